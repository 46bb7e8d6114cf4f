import { loadConfig } from '../../config.js'
import type { AlertsFlags } from '../commands/alerts.js'
import { outputCanvas } from '../status/output-canvas.js'
import { renderChannels } from '../text/channel-words.js'
import { createPaint } from '../text/paint.js'
import { channelsOf, HOW_TO_SET_UP, healthOf } from './channels.js'

/** `conduit-batch alerts list`: the channels of every queue, and how each fares. */
export async function listChannels(flags: AlertsFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const queues = flags.queue === undefined ? config.queues : [flags.queue]
  const channels = channelsOf(config, queues)
  const health = await healthOf(config, queues)
  const rows = channels.map(({ queue, settings: { name, type } }) => ({
    queue,
    name,
    type,
    health: health.get(queue)?.find(({ channel }) => channel === name) ?? null,
  }))
  if (flags.json) {
    const objects = rows.map(({ queue, name, type, health: seen }) => ({
      queue,
      channel: name,
      type,
      deliveredAt: seen?.deliveredAt ?? null,
      failedAt: seen?.failedAt ?? null,
      failuresInRow: seen?.failuresInRow ?? 0,
      why: seen?.why ?? null,
    }))
    process.stdout.write(`${JSON.stringify({ channels: objects })}\n`)
    return
  }
  if (rows.length === 0) {
    process.stderr.write(`There is no channel: alerts go to the log only. To be told, ${HOW_TO_SET_UP}.\n`)
    return
  }
  const { columns, colour } = outputCanvas()
  const lines = renderChannels(rows, Date.now(), { columns, paint: createPaint(colour) })
  process.stdout.write(`${lines.join('\n')}\n`)
}
