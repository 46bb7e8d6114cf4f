import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { jobId } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import { cutByWeight } from './cut-by-weight.js'
import type { ChunkReader } from './input/chunks.js'
import { addRequests } from './jobs.js'
import { requestsAt } from './requests-at.js'

const CHECKED_AT_ONCE = 500

/** Indexes below `fed` whose bit is not set in a bitmap as Redis keeps it (bit 0 is the highest of byte 0). */
export function* unsetBits(bitmap: Uint8Array, fed: number): Generator<number> {
  for (let index = 0; index < fed; index++) {
    const byte = bitmap[index >> 3] ?? 0
    if (byte === 0xff) index |= 7
    else if ((byte & (0x80 >> (index & 7))) === 0) yield index
  }
}

export interface ReconcileDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly queue: Queue
}

/**
 * Feeds again every request that was fed, has not ended, and is in no state of the queue (Redis lost it, say).
 * A request ends before its job leaves, so: no bit, no job, and still no bit means lost.
 *
 * @returns how many were fed again
 */
export async function reconcile(
  batch: string,
  fed: number,
  chunks: ChunkReader,
  deps: ReconcileDeps,
): Promise<number> {
  const bitmap = await deps.redis.getBuffer(deps.keys.done(batch))
  let again = 0
  let portion: number[] = []
  for (const index of unsetBits(bitmap ?? new Uint8Array(), fed)) {
    portion.push(index)
    if (portion.length < CHECKED_AT_ONCE) continue
    again += await feedLost(batch, portion, chunks, deps)
    portion = []
  }
  return again + (await feedLost(batch, portion, chunks, deps))
}

async function feedLost(batch: string, indexes: number[], chunks: ChunkReader, deps: ReconcileDeps) {
  const lost = await findLost(batch, indexes, deps)
  let again = 0
  for await (const { places } of cutByWeight(lost, chunks)) {
    const { requests } = await requestsAt(batch, places, chunks, deps)
    await addRequests(batch, requests, deps)
    again += requests.length
  }
  return again
}

async function findLost(batch: string, indexes: readonly number[], { redis, keys, queue }: ReconcileDeps) {
  if (indexes.length === 0) return []
  const generations = await redis.hmget(keys.generations(batch), ...indexes.map(String))
  const places = indexes.map((index, i) => ({ batch, index, generation: Number(generations[i] ?? 0) }))
  const there = await Promise.all(places.map((place) => redis.exists(queue.toKey(jobId(place)))))
  const gone = places.filter((_, i) => there[i] === 0)
  const ended = await Promise.all(gone.map(({ index }) => redis.getbit(keys.done(batch), index)))
  return gone.filter((_, i) => ended[i] === 0)
}
