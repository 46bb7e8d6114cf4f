import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScriptForBytes } from '../redis/scripts.js'
import { LeaseLost } from './batch-store.js'

const portionScript = loadScript(new URL('./portion-text.lua', import.meta.url))

/** Entries taken at once, and the bytes with which they are enough: one fsync and one checkpoint for all of them. */
const MOST = 2000
const ENOUGH_BYTES = 1024 * 1024

/** The oldest endings of a batch, as they go to its files. */
export interface PortionText {
  readonly count: number
  /** Stream position of the last one; '' when there is none. */
  readonly last: string
  /** Of lines and letters. */
  readonly bytes: number
  /** Whole lines, with their ends. */
  readonly results: Buffer
  readonly errors: Buffer
  readonly letters: readonly DeadLetter[]
}

/**
 * Reads the oldest entries of a batch's stream in one step with the fence, so that nothing is written on an older
 * lease. Up to 1 MiB and the rest of a hundred entries. @throws LeaseLost
 */
export async function readPortionText(
  batch: string,
  lease: string,
  { redis, keys, directoryId }: { redis: Redis; keys: QueueKeys; directoryId: string },
): Promise<PortionText> {
  const names = [keys.lease(directoryId), keys.stream(batch)]
  const reply = await runScriptForBytes(redis, portionScript, names, [lease, MOST, ENOUGH_BYTES])
  if (reply === null) throw new LeaseLost(`another process has taken over batch ${batch}`)
  const [count, last, bytes, results, errors, ...letters] = reply as [number, Buffer, number, ...Buffer[]]
  return {
    count,
    last: last.toString(),
    bytes,
    results: results as Buffer,
    errors: errors as Buffer,
    letters: letters.map((letter) => JSON.parse(letter.toString()) as DeadLetter),
  }
}
