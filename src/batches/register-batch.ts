import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { readBrake } from '../completions/brake.js'
import { createDeadLetters } from '../completions/dead-letters/dead-letters.js'
import { DEAD_LETTERS, openQueue } from '../completions/queues.js'
import type { BatchOptions } from '../completions/request.js'
import { type QueueKeys, queueKeys } from '../redis/keys.js'
import { createBatchStore } from './batch-store.js'
import { removeReplaced } from './batch-work.js'
import { readOverBudget } from './budget/over-budget.js'
import type { DataDirectory } from './data-directory.js'
import { dropIntent, readIntent } from './ending/intent.js'
import { REPLACED_BY_EDIT, SEALED } from './inherit/legacy.js'
import type { Manifest } from './manifest.js'
import { publish } from './publish.js'
import { noteRegistered } from './registered-mark.js'
import { ResultFileDamaged } from './result-file.js'
import { revisionPaths } from './revision.js'
import type { Session } from './session.js'
import type { BatchSnapshot } from './snapshot.js'
import type { BatchState } from './states.js'

/** Its answers are being removed while somebody wants to go on with it. */
export class BatchBeingPurged extends Error {
  readonly code = 'batch_being_purged'
}

/**
 * Makes the batch known to Redis, and ends those that it replaced (on whatever queue). Doing it again changes nothing,
 * so each start does it, and a start that failed midway is made up for.
 *
 * @param wanted how the command that somebody has typed wants it treated; that also lets it run again when it had
 * stopped or was ended early, but not past its completion window, the brake while it wants one, or a budget that is no
 * larger. Without it
 * Redis is only told what it has lost: a batch that was being ended goes on being ended
 */
export async function registerBatch(
  session: Session,
  directory: DataDirectory,
  manifest: Manifest,
  wanted: BatchOptions | null = null,
): Promise<void> {
  const why = manifest.inherits === null ? 'replaced with --fresh' : REPLACED_BY_EDIT
  for (const { batch, queue } of await directory.replaced(manifest)) {
    const keys = queueKeys(keyPrefixOf(session), queue)
    await createBatchStore(session.redis, keys).end(batch, 'replaced', why)
    await dropLetters(batch, session.redis, keys)
  }
  const { store } = session
  const own = directory.batch(manifest.batch).directory
  if (wanted === null) {
    await store.register(manifest, directory.id, { ending: await readIntent(own), unchecked: true })
  } else {
    await dropIntent(own)
    const state = await store.register(manifest, directory.id, { unchecked: true })
    await configure(session, manifest.batch, wanted)
    await letRun(session, manifest.batch, state, wanted)
  }
  await noteRegistered(own)
  await session.redis.hdel(session.keys.batch(manifest.batch), SEALED)
  // For commands in other data directories, which can only say where this one is.
  const place = `${directory.path} on ${hostname()}`
  await session.redis.hset(session.keys.batch(manifest.batch), 'directoryPath', place)
}

/** Of its options, what counts at once; the others are taken over by who works on it. */
async function configure({ store }: Session, batch: string, wanted: BatchOptions): Promise<void> {
  const { completionWindowMs, brake, priority, maxRequests, maxCostCents, prices } = wanted
  await store.configure(batch, {
    ...lasting(await store.options(batch)),
    priority,
    ...(completionWindowMs === undefined ? {} : { completionWindowMs }),
    ...(brake === undefined ? {} : { brake }),
    ...(maxRequests === undefined ? {} : { maxRequests }),
    ...(maxCostCents === undefined ? {} : { maxCostCents }),
    ...(prices === undefined ? {} : { prices }),
  })
}

/** What a command does not change by itself. */
function lasting({
  completionWindowMs: _window,
  brake: _brake,
  priority: _priority,
  maxRequests: _requests,
  maxCostCents: _cost,
  prices: _prices,
  ...others
}: BatchOptions): Omit<BatchOptions, 'priority'> {
  return others
}

async function letRun(
  { store, redis, keys }: Session,
  batch: string,
  state: BatchState,
  wanted: BatchOptions,
): Promise<void> {
  switch (state) {
    case 'running':
    case 'completed':
      return
    case 'stopped':
      // A person was asked: that the command is typed again, by a script maybe, is no answer.
      if (stays(await redis.hget(keys.batch(batch), 'braked'), wanted)) return
      break
    case 'cancelling':
    case 'expiring':
    case 'replaced':
    case 'cancelled':
    case 'expired':
      break
  }
  if ((await store.reopen(batch)) === 'gone') {
    throw new BatchBeingPurged(`Batch ${batch} is just being removed. Type the command again in a moment.`)
  }
}

/** Whether what stopped a batch still does. @param mark of the brake, or of a budget that was used up */
function stays(mark: string | null, wanted: BatchOptions): boolean {
  const raw = mark ?? undefined
  const spent = readOverBudget(raw)
  if (spent === null) return readBrake(raw) !== null && (wanted.brake ?? true)
  const budget = spent.budget === 'requests' ? wanted.maxRequests : wanted.maxCostCents
  return budget !== undefined && budget <= spent.limit
}

/** Nobody can retry what is replaced: its dead letters would only stand beside those of the new batch. */
async function dropLetters(batch: string, redis: Redis, keys: QueueKeys): Promise<void> {
  const queue = openQueue(DEAD_LETTERS, redis, keys)
  try {
    await createDeadLetters(redis, keys, queue).purgeBatch(batch)
  } finally {
    await queue.close()
  }
}

/** The tag of a session's keys is `{<prefix>:<queue>}`. */
function keyPrefixOf({ keys, queue }: Session): string {
  return keys.tag.slice(1, -`:${queue}}`.length)
}

/**
 * Writes deleted output again from the batch's own copy: no call is made. A file that is there stays as it is, for
 * somebody may have changed it on purpose.
 *
 * @throws ResultFileDamaged when the copy is not whole
 */
export async function restoreFiles(
  directory: DataDirectory,
  manifest: Manifest,
  batch: BatchSnapshot,
  { store }: Session,
): Promise<void> {
  const marks = await store.marks(manifest.batch)
  const paths = revisionPaths(directory.batch(manifest.batch).directory, marks?.revision ?? 0)
  await restore(paths.results, manifest.output, marks?.resultsBytes ?? 0)
  if (batch.failed > 0) await restore(paths.errors, manifest.errors, marks?.errorsBytes ?? 0)
  await removeReplaced(manifest, directory)
}

/** @param written bytes that were once safely written; the copy may share its content with the file of the user */
async function restore(own: string, final: string, written: number): Promise<void> {
  if ((await sizeOf(final)) !== null) return
  const size = (await sizeOf(own)) ?? 0
  if (size < written) {
    throw new ResultFileDamaged(
      `${final} is gone and can't be written again: of the ${written} bytes of answers, its copy ${own} has only ` +
        `${size}. It was shortened, maybe under its other name before that was deleted. Put the whole file back in ` +
        'either place, or call everything again with --fresh.',
    )
  }
  await publish(own, final)
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
