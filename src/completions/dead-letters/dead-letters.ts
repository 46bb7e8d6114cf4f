import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import type { Edit } from '../edit.js'
import { bury } from './bury.js'
import type { DeadLetter, StoredDeadLetter } from './dead-letter.js'
import { type DeadLetterBounds, leave, leaveBatch, leaveBeyond, sweep } from './leave.js'
import { getLetters } from './letters.js'
import { type RetryResult, retry } from './retry.js'
import { count, type DeadLetterFilter, type DeadLetterGroup, find, groups } from './select.js'

/** The dead letters of one queue. Ids are `<batch>-<index>-<generation>`. */
export interface DeadLetters {
  /** Adds letters, each at once with its place in the indexes. Again changes nothing; one that was retried since stays gone. */
  bury(letters: readonly DeadLetter[]): Promise<void>
  count(filter: DeadLetterFilter): Promise<number>
  /** Pages of ids, oldest first; what dies meanwhile is not among them. */
  find(filter: DeadLetterFilter): AsyncIterable<readonly string[]>
  /** By what they died of; the largest first. */
  groups(filter: DeadLetterFilter): Promise<DeadLetterGroup[]>
  get(id: string): Promise<StoredDeadLetter | null>
  /** Those that are there. */
  getMany(ids: readonly string[]): Promise<StoredDeadLetter[]>
  /**
   * Gives letters back to their batches at the next generation.
   * @param edit what to change in their bodies; null sends them as they were sent last
   */
  retry(ids: readonly string[], edit: Edit | null): Promise<RetryResult>
  /** The same, with an edit for each id. */
  retryEach(edits: ReadonlyMap<string, Edit | null>): Promise<RetryResult>
  /** Drops letters; their requests stay failed. Gives how many were there. */
  discard(ids: readonly string[]): Promise<number>
  /** Drops all letters of a batch; gives how many. */
  purgeBatch(batch: string): Promise<number>
  /** Drops the oldest beyond either bound; gives how many. */
  trim(bounds: DeadLetterBounds): Promise<number>
  /** Removes what a crash left of letters that are gone; gives how many BullMQ jobs that were. */
  sweep(): Promise<number>
}

/** @param queue BullMQ's queue of dead letters */
export function createDeadLetters(redis: Redis, keys: QueueKeys, queue: Queue): DeadLetters {
  const deps = { redis, keys, queue }

  async function thenSweep(taken: Promise<number>): Promise<number> {
    const count = await taken
    if (count > 0) await sweep(deps)
    return count
  }

  async function retryEach(edits: ReadonlyMap<string, Edit | null>): Promise<RetryResult> {
    const result = await retry(edits, deps)
    await sweep(deps)
    return result
  }

  return {
    async bury(letters) {
      await thenSweep(bury(letters, deps))
    },
    count: (filter) => count(filter, deps),
    find: (filter) => find(filter, deps),
    groups: (filter) => groups(filter, deps),
    get: async (id) => (await getLetters([id], deps))[0] ?? null,
    getMany: (ids) => getLetters(ids, deps),
    retry: (ids, edit) => retryEach(new Map(ids.map((id) => [id, edit]))),
    retryEach,
    discard: (ids) => thenSweep(leave(ids, deps)),
    purgeBatch: (batch) => thenSweep(leaveBatch(batch, deps)),
    trim: (bounds) => thenSweep(leaveBeyond(bounds, deps)),
    sweep: () => sweep(deps),
  }
}
