import type { Lack, WorkerEvent } from './events.js'
import type { QueueLook } from './queue-look.js'

/** Processes that start together, or follow each other, must not tell that they miss each other. */
export const LACK_PATIENCE_MS = 3000

/** What the process that looks does for the queue itself: it never tells that this is missing, however late it is. */
export interface OwnPart {
  readonly completion: boolean
  /** Id of the data directory where it feeds and collects; null: none. */
  readonly directory: string | null
}

/**
 * Turns looks at a queue into what is worth telling: each pause and resumption once, each outage and its end, and work that has waited for a
 * role which nobody has.
 * @returns takes a look, and a clock in ms
 */
export function createQueueStory(
  queue: string,
  own: OwnPart,
): (look: QueueLook, nowMs: number) => WorkerEvent[] {
  let paused = ''
  let outage: QueueLook['outage'] = null
  const lackedSince = new Map<string, number>()
  const told = new Set<string>()

  function gateEvents({ holds, probing }: QueueLook): WorkerEvent[] {
    const before = paused
    paused = holds.map(({ reason }) => reason).join(' ')
    if (paused === before) return []
    return paused === '' ? [{ kind: 'resumed', queue, probing }] : [{ kind: 'paused', queue, holds }]
  }

  function outageEvents(look: QueueLook): WorkerEvent[] {
    // Held, it asks nothing of Conduit: whether the outage is over shows afterwards.
    if (look.holds.length > 0) return []
    const before = outage
    outage = look.outage
    if (outage !== null && before === null) return [{ kind: 'outage', queue, since: outage.since }]
    if (outage === null && before !== null) return [{ kind: 'outage_ended', queue, since: before.since }]
    return []
  }

  function lackEvents(look: QueueLook, nowMs: number): WorkerEvent[] {
    const lacks = lacksOf(look, own)
    for (const key of [...lackedSince.keys()]) {
      if (lacks.has(key)) continue
      lackedSince.delete(key)
      told.delete(key)
    }
    const events: WorkerEvent[] = []
    for (const [key, lack] of lacks) {
      const since = lackedSince.get(key) ?? nowMs
      lackedSince.set(key, since)
      if (told.has(key) || nowMs - since < LACK_PATIENCE_MS) continue
      told.add(key)
      events.push({ kind: 'lacking', queue, ...lack })
    }
    return events
  }

  return (look, nowMs) => [...gateEvents(look), ...outageEvents(look), ...lackEvents(look, nowMs)]
}

function lacksOf(look: QueueLook, own: OwnPart): Map<string, Lack> {
  const lacks = new Map<string, Lack>()
  if (!own.completion && look.workers === 0 && look.activeBatches + look.requests > 0) {
    lacks.set('completion', { role: 'completion' })
  }
  for (const { directory, batches, output } of look.unserved) {
    if (directory !== own.directory) lacks.set(`batch ${directory}`, { role: 'batch', batches, output })
  }
  if (look.inbox > 0 && !look.inboxServed) lacks.set('inbox', { role: 'batch', inbox: look.inbox })
  return lacks
}
