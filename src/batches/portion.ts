import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { runIdIn } from '../redis/run-id.js'
import { LeaseLost, RedisRestarted } from './batch-store.js'

/** Lines that are recorded, and entries that are taken from a result stream, at once. */
export const PORTION = 500

const NOTHING = Buffer.alloc(0)

/** One ending, as `record` put it into the stream. */
export interface Entry {
  readonly id: string
  /** Its request: index and generation. */
  readonly key: string
  readonly kind: string
  /** As it goes to the file: whoever does nothing else with it needs no text. */
  readonly line: Buffer
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
    .xrangeBuffer(keys.stream(batch), '-', '+', 'COUNT', most)
    .get(keys.lease(directoryId))
  if (run !== '') asking.info('server')
  const replies = await asking.exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  const [entries, held, info] = (replies ?? []).map(([, reply]) => reply)
  if (run !== '' && runIdIn(String(info)) !== run)
    throw new RedisRestarted(`Redis was restarted under batch ${batch}`)
  if (held !== lease) throw takenOver(batch)
  return (entries as [Buffer, Buffer[]][]).map(toEntry)
}

/** Fields as `record.lua` writes them: i, index, g, generation, k, kind, l, line, d, letter. */
function toEntry([id, fields]: [Buffer, Buffer[]]): Entry {
  const [, index, , generation, , kind, , line = NOTHING, , letter = NOTHING] = fields
  return {
    id: id.toString('latin1'),
    key: `${index?.toString('latin1')}.${generation?.toString('latin1')}`,
    kind: kind?.toString('latin1') ?? '',
    line,
    bytes: line.length + letter.length,
    letter: letter.length === 0 ? null : (JSON.parse(letter.toString()) as DeadLetter),
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
