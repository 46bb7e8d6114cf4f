import { setTimeout } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { KEPT_ATTEMPTS } from '../completions/attempts.js'
import { errorLine } from '../completions/output-line.js'
import type { Ending, Recorded } from '../completions/record.js'
import { type CompletionRequest, jobId, type RequestPlace } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import type { BatchStore } from './batch-store.js'
import { mustOpenAgain } from './ending/open-again.js'
import type { Chunk, ChunkReader } from './input/chunks.js'
import { readRetried } from './read-retried.js'
import type { Unsendable } from './requests-at.js'

export interface FeederDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly queue: Queue
  readonly store: BatchStore
  readonly record: (place: RequestPlace, ending: Ending) => Promise<Recorded>
  readonly directoryId: string
  readonly leaseToken: () => string
}

/** Retries that are fed at once. */
const MOST_RETRIES = 500

/** BullMQ's own attempts never end a job: `handleRequest` decides, and records, before they could. */
const BULLMQ_ATTEMPTS = 1_000_000

/** A request as a BullMQ job. Nothing is kept when it ends: what it ended in is in the stream. */
export function asJob(request: CompletionRequest) {
  return {
    name: 'completion',
    data: request,
    opts: {
      jobId: jobId(request),
      attempts: BULLMQ_ATTEMPTS,
      backoff: { type: 'conduit' },
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: KEPT_ATTEMPTS,
    },
  }
}

const JOBS_AT_ONCE = 100
const LONGEST_PAUSE_MS = 20

/**
 * A few at a time, and as long as each of them took for everybody else: hundreds at once hold up the calls for longer
 * than many of them take.
 */
async function addJobs(queue: Queue, requests: readonly CompletionRequest[]): Promise<void> {
  for (let at = 0; at < requests.length; at += JOBS_AT_ONCE) {
    const startedAt = performance.now()
    await queue.addBulk(requests.slice(at, at + JOBS_AT_ONCE).map(asJob))
    await setTimeout(Math.min(LONGEST_PAUSE_MS, performance.now() - startedAt))
  }
}

/**
 * Feeds the next chunk of a batch: its requests become jobs, its rejected lines endings, and only then the cursor
 * moves. A crash in between feeds the chunk again: the ids are the same, and what is done is not called again.
 *
 * @returns requests fed, 0 at the end of the input
 * @throws InputChanged when the input was edited, LeaseLost
 */
export async function feedNextChunk(batch: string, chunks: ChunkReader, deps: FeederDeps): Promise<number> {
  const marks = await deps.store.marks(batch)
  // What an end closed is opened first: it would be taken for done.
  if (marks === null || marks.state !== 'running' || mustOpenAgain(marks)) return 0
  const next = await chunks.read({ at: marks.cursor })
  if (next === null) return 0
  const { chunk } = next
  const open = await openIndexes(batch, chunk, deps)
  const requests = requestsOf(batch, chunk).filter(({ index }) => open(index))
  await addJobs(deps.queue, requests)
  const unsendable = chunk.rejects.map((reject) => ({ ...reject, generation: 0, sendable: false }))
  await recordUnsendable(batch, unsendable, deps)
  const fed = chunk.first + chunk.count
  await deps.store.advance(batch, deps.directoryId, deps.leaseToken(), { fed, cursor: next.next.at })
  return chunk.count
}

/**
 * Feeds the next requests that were retried from the dead letters, at their new generation. They leave the set of
 * retries once they are jobs; a crash in between adds the same jobs again.
 *
 * @returns requests fed, 0 when there are none to feed
 * One whose line was edited or is gone since is a dead letter again, and says so.
 */
export async function feedRetries(batch: string, chunks: ChunkReader, deps: FeederDeps): Promise<number> {
  const { redis, keys, queue } = deps
  if ((await redis.hget(keys.batch(batch), 'state')) !== 'running') return 0
  const indexes = await redis.zrange(keys.retries(batch), '0', String(MOST_RETRIES - 1))
  if (indexes.length === 0) return 0
  const generations = await redis.hmget(keys.generations(batch), ...indexes)
  const places = indexes.map((index, i) => ({
    batch,
    index: Number(index),
    generation: Number(generations[i] ?? 0),
  }))
  const { requests, unsendable } = await readRetried(batch, places, chunks, deps)
  if (requests.length > 0) await queue.addBulk(requests.map(asJob))
  await recordUnsendable(batch, unsendable, deps)
  await redis.zrem(keys.retries(batch), ...indexes)
  return indexes.length
}

/** Which requests of a chunk have not ended: after a crash, or a Redis that lost all, many have. */
async function openIndexes(
  batch: string,
  { first, count }: Chunk,
  { redis, keys }: FeederDeps,
): Promise<(index: number) => boolean> {
  const from = first >> 3
  const bitmap = await redis.getrangeBuffer(keys.done(batch), from, (first + count - 1) >> 3)
  return (index) => ((bitmap[(index >> 3) - from] ?? 0) & (0x80 >> (index & 7))) === 0
}

function requestsOf(batch: string, chunk: Chunk): CompletionRequest[] {
  return chunk.requests.map(({ index, line, customId, body }) => ({
    batch,
    index,
    generation: 0,
    customId,
    line,
    body,
  }))
}

async function recordUnsendable(
  batch: string,
  unsendable: readonly Unsendable[],
  deps: FeederDeps,
): Promise<void> {
  // An edit that fits no body would stand in the way of every further retry.
  const misfits = unsendable.filter(({ sendable }) => sendable).map(({ index }) => String(index))
  if (misfits.length > 0) await deps.redis.hdel(deps.keys.edits(batch), ...misfits)
  await Promise.all(
    unsendable.map(({ index, generation, customId, problem, sendable }) => {
      const place = { batch, index, generation }
      const { code, message, param, line } = problem
      // `param` tells a line that was never a request from all other ends (letterOfLine).
      const lineError = { code, message, line, ...(sendable ? {} : { param }) }
      return deps.record(place, {
        kind: 'dead',
        line: errorLine(place, customId ?? `line-${line}`, null, lineError),
        letter: {
          ...place,
          customId,
          line,
          model: null,
          code,
          failure: { status: null, code, message, requestId: null, envelope: null },
          attempts: 0,
          history: [],
          sendable,
          body: null,
          at: Date.now(),
        },
      })
    }),
  )
}
