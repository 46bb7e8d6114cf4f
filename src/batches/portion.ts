import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { runIdIn } from '../redis/run-id.js'
import { LeaseLost, RedisRestarted } from './batch-store.js'

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
  /** As `record` counted them. */
  readonly bytes: number
}

/**
 * The oldest entries of a batch's stream, read together with the fence, so that nothing is written on an older
 * lease, nor what a Redis that was restarted has not forgotten although it is in the files.
 * @param run of Redis, that the batch's files were compared with; '' when that does not matter
 * @throws LeaseLost, RedisRestarted
 */
export async function readPortion(
  batch: string,
  lease: string,
  { redis, keys, directoryId }: { redis: Redis; keys: QueueKeys; directoryId: string },
  most = PORTION,
  run = '',
): Promise<Entry[]> {
  // No transaction: a Redis that is full takes none. A lease that is held after the look was held at it.
  const asking = redis
    .pipeline()
    .xrange(keys.stream(batch), '-', '+', 'COUNT', most)
    .get(keys.lease(directoryId))
  if (run !== '') asking.info('server')
  const replies = await asking.exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  const [entries, held, info] = (replies ?? []).map(([, reply]) => reply)
  if (run !== '' && runIdIn(String(info)) !== run)
    throw new RedisRestarted(`Redis was restarted under batch ${batch}`)
  if (held !== lease) throw takenOver(batch)
  return (entries as [string, string[]][]).map(toEntry)
}

function toEntry([id, pairs]: [string, string[]]): Entry {
  const fields = new Map<string, string>()
  for (let i = 0; i < pairs.length; i += 2) fields.set(pairs[i] as string, pairs[i + 1] as string)
  const [line, letter] = [fields.get('l') ?? '', fields.get('d') ?? '']
  return {
    id,
    key: `${fields.get('i')}.${fields.get('g')}`,
    kind: fields.get('k') ?? '',
    line,
    bytes: Buffer.byteLength(line) + Buffer.byteLength(letter),
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
