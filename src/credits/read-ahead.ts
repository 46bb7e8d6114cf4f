import type { Redis } from 'ioredis'
import { INBOX_BATCH } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import { type BatchProgress, openOf } from './ahead.js'
import type { Ahead } from './estimate.js'
import { totalsOf } from './read-usage.js'

/** What is still to be answered in a queue: of its active batches, and single requests. */
export interface QueueAhead extends Ahead {
  /** Batches with open requests. */
  readonly batches: readonly string[]
}

export async function readAhead(redis: Redis, keys: QueueKeys): Promise<QueueAhead> {
  const names = [...(await redis.smembers(keys.activeBatches)), INBOX_BATCH]
  const all = await Promise.all(
    names.map(async (batch) => ({ batch, ...openOf(await readProgress(redis, keys, batch)) })),
  )
  const told = all.filter(({ chars }) => chars !== null)
  const requestsTold = told.reduce((sum, { requests }) => sum + requests, 0)
  const chars = told.reduce((sum, open) => sum + (open.chars ?? 0), 0)
  return {
    batches: all.filter(({ requests }) => requests > 0).map(({ batch }) => batch),
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    charsPerRequest: requestsTold === 0 ? null : chars / requestsTold,
  }
}

/** Requests ahead that are not out: what is out may be paid for already, so nobody is told that it lacks. */
export function queuedOf({ requests }: Ahead, inFlight: number): number {
  return Math.max(0, requests - inFlight)
}

/** Whether people were told of the low balance for work that is still going on: other work is another matter. */
export function isToldLow(toldFor: readonly string[], { batches }: QueueAhead): boolean {
  return toldFor.some((batch) => batches.includes(batch))
}

async function readProgress(redis: Redis, keys: QueueKeys, batch: string): Promise<BatchProgress> {
  const fields = await redis.hgetall(keys.batch(batch))
  const number = (name: string) => Number(fields[name] ?? 0)
  return {
    total: number('total'),
    fed: number('fed'),
    fedChars: number('fedChars'),
    fedBytes: number('fedBytes'),
    completed: number('completed'),
    failed: number('failed'),
    used: totalsOf(fields),
    bytes: bytesOf(fields.manifest),
  }
}

/** Of its input, as its manifest says (batches/manifest.ts). */
function bytesOf(manifest: string | undefined): number | null {
  if (manifest === undefined) return null
  return (JSON.parse(manifest) as { readonly input: { readonly bytes: number } }).input.bytes
}
