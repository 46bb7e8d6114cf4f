import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { LeaseLost } from './batch-store.js'

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
    .xrangeBuffer(keys.stream(batch), '-', '+', 'COUNT', most)
    .exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  const [held, entries] = (replies ?? []).map(([, reply]) => reply)
  if (held !== lease) throw new LeaseLost(`another process has taken over batch ${batch}`)
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
    letter: letter.length === 0 ? null : (JSON.parse(letter.toString()) as DeadLetter),
  }
}
