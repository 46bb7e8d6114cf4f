import { endsByItself } from '../../admission/endings.js'
import type { Incident } from '../../admission/hold.js'
import { type LiveWorkers, readLiveWorkers } from '../../batches/live-workers.js'
import { loadConfig } from '../../config.js'
import type { IncidentsFlags } from '../commands/incidents.js'
import { outputCanvas } from '../status/output-canvas.js'
import { type EndsThere, renderIncidents } from '../text/incidents.js'
import { createPaint } from '../text/paint.js'
import { assertKnownQueue, type Visit, visit } from '../visit.js'

/** `conduit-batch incidents`: those of all queues or of one, open ones first, then the newest first. */
export async function incidents(flags: IncidentsFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const { queue, limit } = flags
  const { found, endings } = await visit(config, async (visiting) => {
    if (queue !== undefined) await assertKnownQueue(queue, visiting, config)
    return look(visiting, queue === undefined ? await visiting.queues() : [queue], limit)
  })
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ incidents: found })}\n`)
    return
  }
  if (found.length === 0) {
    process.stderr.write('There was no incident, as far back as they are kept.\n')
    return
  }
  const { columns, colour } = outputCanvas()
  const canvas = { columns, paint: createPaint(colour) }
  const endsThere: EndsThere = (reason, of) => {
    const known = endings.get(of)
    return known !== undefined && endsByItself(reason, known)
  }
  process.stdout.write(`${renderIncidents(found, Date.now(), canvas, endsThere).join('\n')}\n`)
}

interface Found {
  readonly found: readonly Incident[]
  /** What the workers of each queue do for pauses to end. */
  readonly endings: ReadonlyMap<string, LiveWorkers['endings']>
}

async function look({ session }: Visit, queues: readonly string[], limit: number): Promise<Found> {
  const perQueue = await Promise.all(
    queues.map(async (queue) => {
      const opened = await session(queue)
      const { endings } = await readLiveWorkers(opened)
      return { queue, endings, incidents: await opened.gate.incidents(limit) }
    }),
  )
  const found = perQueue
    .flatMap(({ incidents: own }) => own)
    .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.openedAt - a.openedAt)
    .slice(0, limit)
  return { found, endings: new Map(perQueue.map(({ queue, endings }) => [queue, endings])) }
}

function isOver({ resolvedAt }: Incident): boolean {
  return resolvedAt !== null
}
