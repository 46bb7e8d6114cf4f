import { findDataDirectory } from '../../batches/data-directory.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { type Config, loadConfig } from '../../config.js'
import type { StatusFlags } from '../commands/status.js'
import { renderStatus } from '../text/status.js'
import { type Visit, visit } from '../visit.js'

const DEFAULT_COLUMNS = 100

/** Prints where every queue and batch stands. */
export async function status(flags: StatusFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const { queues, batches } = await visit(config, (visiting) => look(visiting, config))
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ queues, batches })}\n`)
    return
  }
  const colour = process.stdout.isTTY === true && process.stdout.hasColors()
  const columns = process.stdout.columns ?? DEFAULT_COLUMNS
  process.stdout.write(`${renderStatus(queues, batches, Date.now(), columns, colour).join('\n')}\n`)
}

async function look({ queues, session }: Visit, config: Config) {
  const sessions = await Promise.all((await queues()).map(session))
  const perQueue = await Promise.all(
    sessions.map(async (one) => ({
      queue: await readQueueSnapshot(one),
      batches: await batchesOf(one, config),
    })),
  )
  return { queues: perQueue.map(({ queue }) => queue), batches: perQueue.flatMap(({ batches }) => batches) }
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
