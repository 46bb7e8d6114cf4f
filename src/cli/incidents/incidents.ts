import { endsByItself } from '../../admission/endings.js'
import type { Incident } from '../../admission/hold.js'
import { readLiveWorkers } from '../../batches/live-workers.js'
import { loadConfig } from '../../config.js'
import type { IncidentsFlags } from '../commands/incidents.js'
import { outputCanvas } from '../status/output-canvas.js'
import { type QueueEndsByItself, renderIncidents } from '../text/incidents.js'
import { createPaint } from '../text/paint.js'
import { assertKnownQueue, type Visit, visit } from '../visit.js'

/** `conduit-batch incidents`: those of all queues or of one, open ones first, then the newest first. */
export async function tellIncidents(flags: IncidentsFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const { queue, limit } = flags
  const found = await visit(config, async (visiting) => {
    if (queue !== undefined) await assertKnownQueue(queue, visiting, config)
    const incidents = await look(visiting, queue === undefined ? await visiting.queues() : [queue], limit)
    return { incidents, byItself: await lookForEndings(visiting, incidents) }
  })
  const { incidents, byItself } = found
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ incidents })}\n`)
    return
  }
  if (incidents.length === 0) {
    process.stderr.write('There was no incident, as far back as they are kept.\n')
    return
  }
  const { columns, colour } = outputCanvas()
  const canvas = { columns, paint: createPaint(colour) }
  process.stdout.write(`${renderIncidents(incidents, byItself, Date.now(), canvas).join('\n')}\n`)
}

async function look({ session }: Visit, queues: readonly string[], limit: number): Promise<Incident[]> {
  const perQueue = await Promise.all(
    queues.map(async (queue) => (await session(queue)).gate.incidents(limit)),
  )
  return perQueue
    .flat()
    .sort((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.openedAt - a.openedAt)
    .slice(0, limit)
}

async function lookForEndings(
  { session }: Visit,
  incidents: readonly Incident[],
): Promise<QueueEndsByItself> {
  const held = new Set(incidents.filter((incident) => !isOver(incident)).map(({ queue }) => queue))
  const read = async (queue: string) =>
    [queue, (await readLiveWorkers(await session(queue))).endings] as const
  const endings = new Map(await Promise.all([...held].map(read)))
  return (queue, reason) => {
    const known = endings.get(queue)
    return known !== undefined && endsByItself(reason, known)
  }
}

function isOver({ resolvedAt }: Incident): boolean {
  return resolvedAt !== null
}
