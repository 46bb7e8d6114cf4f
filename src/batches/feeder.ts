import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { asked } from '../completions/asked.js'
import { errorLine } from '../completions/output-line.js'
import type { Ending, Recorded } from '../completions/record.js'
import type { CompletionRequest, RequestPlace } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { assertSure, type BatchMarks, type BatchStore, type HeldLease } from './batch-store.js'
import { cutByWeight, PORTION_BYTES } from './cut-by-weight.js'
import { mustOpenAgain } from './ending/open-again.js'
import type { Chunk, ChunkReader, InputRequest } from './input/chunks.js'
import { addRequests } from './jobs.js'
import { readRetried } from './read-retried.js'
import type { Unsendable } from './requests-at.js'

export interface FeederDeps extends HeldLease {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly queue: Queue
  readonly store: BatchStore
  readonly record: (place: RequestPlace, ending: Ending) => Promise<Recorded>
  readonly directoryId: string
}

const fedScript = loadScript(new URL('./fed.lua', import.meta.url))

/** What was fed at once. */
export interface Fed {
  /** Requests, those that can't be sent or have ended already included; 0: there was nothing to feed. */
  readonly count: number
  /** What they weigh in the input. */
  readonly bytes: number
  /** The turn of the last job; null when there was none. */
  readonly turn: number | null
}

/** What a batch's budgets say of its next requests. */
export interface Allowed {
  /** So many may be called. */
  readonly requests: number
  /** Whether a request came with an end from an earlier file: those cost nothing. */
  readonly isKept: (index: number) => boolean
}

const ALL: Allowed = { requests: Number.POSITIVE_INFINITY, isKept: () => false }

export const NOTHING_FED: Fed = { count: 0, bytes: 0, turn: null }

/**
 * Feeds the next requests of a batch, of one chunk: they become jobs, its rejected lines endings, and only then the
 * marks move, `fed` with each portion, the cursor when the chunk is through. A crash in between feeds the portion
 * again: the ids are the same, and what is done is not called again.
 *
 * @param most requests, at most
 * @param allowedBy tells what its budgets pay for
 * @throws InputChanged when the input was edited, LeaseLost
 */
export async function feedPortion(
  batch: string,
  most: number,
  chunks: ChunkReader,
  deps: FeederDeps,
  allowedBy: (marks: BatchMarks) => Promise<Allowed> = async () => ALL,
): Promise<Fed> {
  const marks = await deps.store.marks(batch)
  // What an end closed is opened first: it would be taken for done.
  if (marks === null || marks.state !== 'running' || mustOpenAgain(marks)) return NOTHING_FED
  const allowed = await allowedBy(marks)
  const next = await chunks.read({ at: marks.cursor })
  if (next === null) return NOTHING_FED
  const { chunk } = next
  const portion = cutPortion(chunk, marks.fed, most, allowed)
  if (portion.count === 0) return NOTHING_FED
  const open = await openIndexes(batch, portion, deps)
  const requests = portion.requests.filter(({ index }) => open(index))
  const turn = await addRequests(batch, asCompletions(batch, requests), deps)
  const unsendable = portion.rejects.map((reject) => ({ ...reject, generation: 0, sendable: false }))
  await recordUnsendable(batch, unsendable, deps)
  const fed = portion.first + portion.count
  const through = fed >= chunk.first + chunk.count
  const cursor = through ? next.next.at : marks.cursor
  const grown = {
    fedRequests: marks.fedRequests + countCallable(portion, allowed),
    fedBytes: marks.fedBytes + weightOf(portion.requests),
    fedChars: marks.fedChars + charsOf(portion),
  }
  await deps.store.advance(batch, deps.directoryId, deps.leaseToken(), { fed, cursor, ...grown })
  return { count: portion.count, bytes: weightOf(requests), turn }
}

/** The part of a chunk that begins at an index: so many requests, as many as reach PORTION_BYTES, or as are allowed. */
function cutPortion(chunk: Chunk, from: number, most: number, allowed: Allowed): Omit<Chunk, 'bytes'> {
  // Marks that are before or behind the chunk are those of a Redis that lost a little: all of it is fed again.
  const isWithin = from >= chunk.first && from < chunk.first + chunk.count
  const first = isWithin ? from : chunk.first
  let end = Math.min(chunk.first + chunk.count, first + most)
  let bytes = 0
  let callable = 0
  for (const request of chunk.requests) {
    if (request.index < first || request.index >= end) continue
    if (!allowed.isKept(request.index)) callable += 1
    if (callable > allowed.requests) {
      end = request.index
      break
    }
    bytes += request.bytes
    if (bytes >= PORTION_BYTES) end = request.index + 1
  }
  const isIn = ({ index }: { readonly index: number }) => index >= first && index < end
  return {
    first,
    count: end - first,
    requests: chunk.requests.filter(isIn),
    rejects: chunk.rejects.filter(isIn),
  }
}

/** By the input alone, so that a portion which is fed again after a crash counts as it did. */
function countCallable({ requests }: Pick<Chunk, 'requests'>, { isKept }: Allowed): number {
  return requests.filter(({ index }) => !isKept(index)).length
}

function weightOf(requests: readonly InputRequest[]): number {
  return requests.reduce((sum, { bytes }) => sum + bytes, 0)
}

function charsOf({ requests }: Pick<Chunk, 'requests'>): number {
  return requests.reduce((sum, { body }) => sum + asked(body).chars, 0)
}

/**
 * Feeds the next requests that were retried from the dead letters, at their new generation. They leave the set of
 * retries once they are jobs; a crash in between adds the same jobs again. One whose line was edited or is gone since
 * is a dead letter again, and says so.
 *
 * @param most requests, at most
 * @param room tells how many its budgets pay for
 */
export async function feedRetries(
  batch: string,
  most: number,
  chunks: ChunkReader,
  deps: FeederDeps,
  room: () => Promise<number> = async () => most,
): Promise<Fed> {
  const { redis, keys } = deps
  if ((await redis.hget(keys.batch(batch), 'state')) !== 'running') return NOTHING_FED
  const waiting = await redis.zrange(keys.retries(batch), '0', String(most - 1))
  const retried = waiting.length === 0 ? [] : waiting.slice(0, await room())
  for await (const { places: portion, bytes } of cutByWeight(retried.map(toIndex), chunks)) {
    const indexes = portion.map(({ index }) => String(index))
    const generations = await redis.hmget(keys.generations(batch), ...indexes)
    const places = portion.map(({ index }, i) => ({ batch, index, generation: Number(generations[i] ?? 0) }))
    const { requests, unsendable } = await readRetried(batch, places, chunks, deps)
    assertSure(deps)
    const turn = await addRequests(batch, requests, deps)
    await recordUnsendable(batch, unsendable, deps)
    const fed = places.flatMap(({ index, generation }) => [index, generation])
    await runScript(redis, fedScript, [keys.retries(batch), keys.generations(batch)], fed)
    return { count: indexes.length, bytes, turn }
  }
  return NOTHING_FED
}

function toIndex(index: string): { readonly index: number } {
  return { index: Number(index) }
}

/** Which requests of a chunk have not ended: after a crash, or a Redis that lost all, many have. */
async function openIndexes(
  batch: string,
  { first, count }: Pick<Chunk, 'first' | 'count'>,
  { redis, keys }: FeederDeps,
): Promise<(index: number) => boolean> {
  const from = first >> 3
  const bitmap = await redis.getrangeBuffer(keys.done(batch), from, (first + count - 1) >> 3)
  return (index) => ((bitmap[(index >> 3) - from] ?? 0) & (0x80 >> (index & 7))) === 0
}

function asCompletions(batch: string, requests: readonly InputRequest[]): CompletionRequest[] {
  return requests.map(({ index, line, customId, body }) => ({
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
