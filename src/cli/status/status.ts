import { listenForInterruptions } from '../../../workers/interruptions.js'
import { type ChannelHealth, readChannelHealth } from '../../alerts/channel-health.js'
import { findDataDirectory } from '../../batches/data-directory.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { type Config, loadConfig } from '../../config.js'
import { asUnavailable, RedisUnavailable } from '../../redis/unavailable.js'
import type { StatusFlags } from '../commands/status.js'
import { EXIT, type ExitCode } from '../exit.js'
import { createFrame } from '../progress/frame.js'
import { failingChannelLines, failsNow } from '../text/channel-words.js'
import { renderStatus } from '../text/status.js'
import { type Visit, visit } from '../visit.js'
import { showBatch } from './batch-status.js'
import { outputCanvas } from './output-canvas.js'
import { watchBatch } from './watch-batch.js'

/** On a terminal, where each look replaces the one before; and elsewhere, where all of them stay. */
const LOOK_MS = { terminal: 1000, elsewhere: 5000 } as const

/** Prints where every queue and batch stands, or one batch; once, or again and again. */
export async function status(wanted: string | undefined, flags: StatusFlags): Promise<ExitCode> {
  const config = loadConfig(undefined, flags)
  const json = flags.json === true
  if (wanted !== undefined && flags.watch === true) return watchBatch(wanted, config, json)
  if (wanted !== undefined) await showBatch(wanted, config, json)
  else if (flags.watch === true) return watchAll(config, json)
  else process.stdout.write(`${inLines(await visit(config, (visiting) => look(visiting, config)), json)}\n`)
  return EXIT.answered
}

interface Look {
  readonly queues: Parameters<typeof renderStatus>[0]
  readonly batches: Parameters<typeof renderStatus>[1]
  /** Channels of alerts that fail. */
  readonly failing: readonly (ChannelHealth & { readonly queue: string })[]
}

function inLines(seen: Look, json: boolean): string {
  if (json) {
    const { queues, batches, failing: failingChannels } = seen
    return JSON.stringify({ queues, batches, failingChannels })
  }
  const { columns, colour } = outputCanvas()
  return drawn(seen, columns, colour).join('\n')
}

function drawn({ queues, batches, failing }: Look, columns: number, colour: boolean): string[] {
  const nowMs = Date.now()
  return [
    ...renderStatus(queues, batches, nowMs, columns, colour),
    ...failingChannelLines(failing, nowMs, columns, colour),
  ]
}

/** Until Ctrl-C. With `--json` a line for each look. */
async function watchAll(config: Config, json: boolean): Promise<ExitCode> {
  const isTerminal = process.stdout.isTTY === true && !json
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  const frame = createFrame(process.stdout, () => outputCanvas().columns)
  const { colour } = outputCanvas()
  try {
    return await visit(config, async (visiting) => {
      while (interruptions.count === 0) {
        const seen = await lookIfThere(visiting, config)
        if (seen === null) {
          // Who waits was told so by the connection.
        } else if (isTerminal) {
          frame.draw((columns) => drawn(seen, columns, colour))
        } else process.stdout.write(`${inLines(seen, json)}\n`)
        await interruptions.orAfter(isTerminal ? LOOK_MS.terminal : LOOK_MS.elsewhere)
      }
      return EXIT.interrupted
    })
  } finally {
    interruptions.close()
  }
}

/** Null while Redis is away. */
async function lookIfThere(visiting: Visit, config: Config): Promise<Look | null> {
  try {
    return await look(visiting, config)
  } catch (error) {
    if (asUnavailable(error, '') instanceof RedisUnavailable) return null
    throw error
  }
}

async function look({ queues, session }: Visit, config: Config): Promise<Look> {
  const sessions = await Promise.all((await queues()).map(session))
  const perQueue = await Promise.all(
    sessions.map(async (one) => ({
      queue: await readQueueSnapshot(one),
      batches: await batchesOf(one, config),
      failing: await failingChannels(one),
    })),
  )
  return {
    queues: perQueue.map(({ queue }) => queue),
    batches: perQueue.flatMap(({ batches }) => batches),
    failing: perQueue.flatMap(({ failing }) => failing),
  }
}

async function failingChannels({ queue, redis, keys }: Session): Promise<Look['failing']> {
  const channels = await readChannelHealth(redis, keys)
  return channels.filter((each) => failsNow(each, Date.now())).map((each) => ({ queue, ...each }))
}

/** The batches of this data directory, and whatever is active on the queue from elsewhere. */
async function batchesOf(session: Session, config: Config): Promise<BatchSnapshot[]> {
  const directory = await findDataDirectory(config.dataDirectory)
  const own = ((await directory?.list()) ?? [])
    .filter(({ queue }) => queue === session.queue)
    .map(({ batch }) => batch)
  const active = await session.redis.smembers(session.keys.activeBatches)
  const names = [...new Set([...own, ...active])]
  const snapshots = await Promise.all(names.map((batch) => readBatchSnapshot(session, batch)))
  return snapshots.filter((snapshot) => snapshot !== null)
}
