import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { LeaseLost } from './batch-store.js'

/** Entries taken from a result stream at once. */
export const PORTION = 500

/** One ending, as `record` put it into the stream. */
export interface Entry {
  readonly id: string
  /** Its request: index and generation. */
  readonly key: string
  readonly kind: string
  readonly line: string
  readonly letter: DeadLetter | null
}

/**
 * The oldest entries of a batch's stream, read in one step with the fence, so that nothing is written on an older
 * lease. @throws LeaseLost
 */
export async function readPortion(
  batch: string,
  lease: string,
  { redis, keys, directoryId }: { redis: Redis; keys: QueueKeys; directoryId: string },
  most = PORTION,
): Promise<Entry[]> {
  const replies = await redis
    .multi()
    .get(keys.lease(directoryId))
    .xrange(keys.stream(batch), '-', '+', 'COUNT', most)
    .exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  const [held, entries] = (replies ?? []).map(([, reply]) => reply)
  if (held !== lease) throw takenOver(batch)
  return (entries as [string, string[]][]).map(toEntry)
}

function toEntry([id, pairs]: [string, string[]]): Entry {
  const fields = new Map<string, string>()
  for (let i = 0; i < pairs.length; i += 2) fields.set(pairs[i] as string, pairs[i + 1] as string)
  const letter = fields.get('d') ?? ''
  return {
    id,
    key: `${fields.get('i')}.${fields.get('g')}`,
    kind: fields.get('k') ?? '',
    line: fields.get('l') ?? '',
    letter: letter === '' ? null : (JSON.parse(letter) as DeadLetter),
  }
}

/**
 * For steps in Redis that check no lease themselves, right before each.
 * @throws LeaseLost
 */
export async function assertHeld(
  batch: string,
  lease: string,
  { redis, keys, directoryId }: { redis: Redis; keys: QueueKeys; directoryId: string },
): Promise<void> {
  if ((await redis.get(keys.lease(directoryId))) !== lease) throw takenOver(batch)
}

function takenOver(batch: string): LeaseLost {
  return new LeaseLost(`another process has taken over batch ${batch}`)
}
