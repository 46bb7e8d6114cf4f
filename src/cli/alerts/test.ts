import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Alert } from '../../alerts/alert.js'
import { noteDelivered, noteFailed } from '../../alerts/channel-health.js'
import { sendThrough } from '../../alerts/channels/channel.js'
import { ChannelFailed } from '../../alerts/channels/failed.js'
import { type Config, loadConfig } from '../../config.js'
import type { TestAlertsFlags } from '../commands/alerts.js'
import { EXIT, type ExitCode } from '../exit.js'
import { outputCanvas } from '../status/output-canvas.js'
import { createPaint } from '../text/paint.js'
import { visit } from '../visit.js'
import { channelsOf, chosen, type QueueChannel } from './channels.js'

/** What came of a test; `why` is null where it arrived. */
interface Tested extends QueueChannel {
  readonly why: string | null
  /** Other queues that are told through the same channel. */
  readonly queues: readonly string[]
}

/** `conduit-batch alerts test`: one test through each channel, now. @returns the exit code: did all arrive? */
export async function testChannels(flags: TestAlertsFlags): Promise<ExitCode> {
  const config = loadConfig(undefined, flags)
  const queues = flags.queue === undefined ? config.queues : [flags.queue]
  const channels = chosen(channelsOf(config, queues), flags.channel)
  const tested = await Promise.all(oncePerChannel(channels).map(test))
  process.stdout.write(
    flags.json ? `${JSON.stringify({ channels: tested.map(asObject) })}\n` : inLines(tested),
  )
  await note(tested, config)
  return tested.every(({ why }) => why === null) ? EXIT.answered : EXIT.error
}

/** A channel for all queues is told once. */
function oncePerChannel(channels: readonly QueueChannel[]): (QueueChannel & Pick<Tested, 'queues'>)[] {
  const bySettings = new Map<string, QueueChannel[]>()
  for (const channel of channels) {
    const same = JSON.stringify(channel.settings)
    bySettings.set(same, [...(bySettings.get(same) ?? []), channel])
  }
  return [...bySettings.values()].flatMap((same) =>
    same.slice(0, 1).map((first) => ({ ...first, queues: same.map(({ queue }) => queue) })),
  )
}

async function test(channel: QueueChannel & Pick<Tested, 'queues'>): Promise<Tested> {
  try {
    await sendThrough(channel.settings, testAlert(channel.queue))
    return { ...channel, why: null }
  } catch (error) {
    if (error instanceof ChannelFailed) return { ...channel, why: error.message }
    throw error
  }
}

function testAlert(queue: string): Alert {
  return {
    type: 'alert.test',
    id: `test-${randomBytes(6).toString('hex')}`,
    queue,
    since: new Date().toISOString(),
    message: 'Somebody typed: conduit-batch alerts test',
    action: 'Nothing: alerts arrive here.',
  }
}

function asObject({ queues, settings: { name, type }, why }: Tested) {
  return { channel: name, type, queues, delivered: why === null, why }
}

function inLines(tested: readonly Tested[]): string {
  const paint = createPaint(outputCanvas().colour)
  const what = ({ settings: { name, type } }: Tested) => (name === type ? name : `${name} (${type})`)
  const width = Math.max(...tested.map((each) => what(each).length))
  const lines = tested.map((each) => {
    const { why, queues } = each
    const level = why === null ? paint('good', 'ok  ') : paint('bad', 'bad ')
    return `${level}  ${what(each).padEnd(width)}  queue ${queues.join(', ')}: ${why ?? 'it took the test'}`
  })
  return `${lines.join('\n')}\n`
}

/** So that a channel that was mended is not shown as failing any more. Where nothing has run, nobody would look. */
async function note(tested: readonly Tested[], config: Config): Promise<void> {
  if (config.redisUrl === null && !existsSync(config.dataDirectory)) return
  try {
    await visit(
      config,
      async ({ session }) => {
        for (const { queues, settings, why } of tested) {
          for (const queue of queues) {
            const { redis, keys } = await session(queue)
            if (why === null) await noteDelivered(redis, keys, settings.name)
            else await noteFailed(redis, keys, settings.name, why)
          }
        }
      },
      () => {},
    )
  } catch (error) {
    process.stderr.write(`conduit-batch: alerts list will not show it: ${(error as Error).message}\n`)
  }
}
