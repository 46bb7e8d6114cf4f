import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import type { DataDirectory } from './data-directory.js'
import { removeJobs } from './ending/remove-jobs.js'
import type { Manifest } from './manifest.js'

const beginScript = loadScript(new URL('./begin-purge.lua', import.meta.url))
const endScript = loadScript(new URL('./end-purge.lua', import.meta.url))

/** A batch that runs is not removed. */
export class BatchRunning extends Error {
  readonly code = 'batch_running'
}

export interface PurgeDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  /** Where its requests wait as jobs. */
  readonly queue: Queue
  /** Where its files are; null when they are gone, directory and all. */
  readonly directory: DataDirectory | null
  /** Removes all dead letters of a batch; gives how many. */
  readonly purgeDeadLetters: (batch: string) => Promise<number>
}

/** What was removed. */
export interface Purged {
  readonly deadLetters: number
  readonly keys: number
}

/**
 * Removes what we keep of a batch that has ended: dead letters, its directory, claims on its output, its keys. The
 * output files of the user stay. Works when parts are gone already, so after a crash it is done again: till the last
 * step the manifest can be found, on disk or in Redis.
 *
 * @throws BatchRunning
 */
export async function purgeBatch(
  manifest: Pick<Manifest, 'batch' | 'output' | 'errors'>,
  { redis, keys, queue, directory, purgeDeadLetters }: PurgeDeps,
): Promise<Purged> {
  const { batch, output, errors } = manifest
  const begun = [keys.batch(batch), keys.activeBatches, keys.drainingBatches]
  if ((await runScript(redis, beginScript, begun, [batch])) !== 1) throw running(batch)
  // Of one that was stopped or replaced, requests may still wait for a worker to see that.
  await removeJobs(batch, queue)
  // Letters first: they need their batch to be told apart. Claims before the directory, which is what names them.
  const deadLetters = await purgeDeadLetters(batch)
  for (const path of [output, errors]) await directory?.releaseOutput(path, batch)
  await directory?.remove(batch)
  const removed = (await runScript(redis, endScript, keysOf(batch, keys), [])) as number
  if (removed < 0) throw running(batch)
  return { deadLetters, keys: removed }
}

/** All keys that belong to one batch, its hash first. */
function keysOf(batch: string, keys: QueueKeys): string[] {
  return [
    keys.batch(batch),
    keys.done(batch),
    keys.generations(batch),
    keys.stream(batch),
    keys.retries(batch),
    keys.edits(batch),
    keys.history(batch),
  ]
}

function running(batch: string): BatchRunning {
  return new BatchRunning(
    `Batch ${batch} has not ended. End it first: conduit-batch cancel ${batch} (its answers stay until it is purged)`,
  )
}
