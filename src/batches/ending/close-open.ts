import { inFlightOf } from '../../completions/in-flight.js'
import { type UnfinishedCode, unfinishedLine } from '../../completions/unfinished.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { type BatchMarks, LeaseLost, RedisRestarted } from '../batch-store.js'
import type { FeederDeps } from '../feeder.js'
import type { ChunkCursor, ChunkReader, ChunkSpan } from '../input/chunks.js'
import { InputChanged, InputUnreadable } from '../input/input-errors.js'
import { PORTION } from '../portion.js'
import { unsetBits } from '../reconciler.js'
import { type EndingState, endOf } from '../states.js'
import { noteIntent } from './intent.js'
import { removeJobs } from './remove-jobs.js'

const closeScript = loadScript(
  new URL('./close-open.lua', import.meta.url),
  new URL('../../redis/run-id.lua', import.meta.url),
)

/** More results than this wait for the disk: then no more are added, so Redis holds little of any batch. */
const MOST_UNCOLLECTED = 4 * PORTION
const MOST_AT_ONCE = 2 * PORTION

export interface CloseOpenOptions {
  readonly batch: string
  /** Of the batch. */
  readonly directory: string
  readonly chunks: ChunkReader
  readonly deps: FeederDeps
}

/**
 * Ends what is open of a batch that is being ended early, a portion at each call, once no call of it is in flight.
 * Begun anew after a crash it finds what is left. Gives how many requests a call ended.
 * @throws LeaseLost
 */
export function createCloser({ batch, directory, chunks, deps }: CloseOpenOptions) {
  const { redis, keys, queue } = deps
  let noted: EndingState | null = null
  let jobsRemoved = false
  let cursor: ChunkCursor = { at: 0 }

  async function prepare(state: EndingState): Promise<boolean> {
    if (noted !== state) await noteIntent(directory, state)
    noted = state
    if ((await inFlightOf(batch, queue)) > 0) return false
    if (!jobsRemoved) await removeJobs(batch, queue)
    jobsRemoved = true
    return true
  }

  /** Which requests of a span have not ended, as indexes. */
  async function openIn({ first, count }: ChunkSpan): Promise<number[]> {
    const from = first >> 3
    const bitmap = await redis.getrangeBuffer(keys.done(batch), from, (first + count - 1) >> 3)
    const open: number[] = []
    for (const bit of unsetBits(bitmap, first + count - from * 8)) {
      if (bit + from * 8 >= first) open.push(bit + from * 8)
    }
    return open
  }

  /** Null when somebody has let the batch run again. */
  async function close(span: ChunkSpan, open: readonly number[], state: EndingState): Promise<number | null> {
    const generations = await redis.hmget(keys.generations(batch), ...open.map(String))
    const named = await namesIn(chunks, cursor)
    const code: UnfinishedCode = `batch_${endOf(state)}`
    const lines = open.flatMap((index, i) => {
      const generation = Number(generations[i] ?? 0)
      const names = named.get(index) ?? { customId: null, line: null }
      return [index, generation, unfinishedLine({ batch, index, generation }, names, code)]
    })
    const own = [keys.done(batch), keys.generations(batch), keys.stream(batch), keys.retries(batch)]
    const names = [keys.lease(deps.directoryId), keys.batch(batch), ...own]
    const closed = (await runScript(redis, closeScript, names, [
      deps.leaseToken(),
      state,
      code,
      ...lines,
    ])) as number
    if (closed === -1) throw new LeaseLost(`another process has taken over batch ${batch}`)
    if (closed === -3) throw new RedisRestarted(`Redis was restarted under batch ${batch}`)
    cursor = span.next
    return closed < 0 ? null : closed
  }

  return async (marks: BatchMarks, state: EndingState): Promise<number> => {
    if (marks.completed + marks.failed >= marks.total) return 0
    if (!(await prepare(state)) || (await redis.xlen(keys.stream(batch))) > MOST_UNCOLLECTED) return 0
    let closed = 0
    for (let span = await chunks.span(cursor); span !== null; span = await chunks.span(cursor)) {
      const open = await openIn(span)
      if (open.length === 0) {
        cursor = span.next
        continue
      }
      const more = await close(span, open, state)
      if (more === null) break
      closed += more
      if (closed >= MOST_AT_ONCE) return closed
    }
    // Whatever is open at the next call was opened meanwhile: from the start.
    cursor = { at: 0 }
    return closed
  }
}

type Names = Parameters<typeof unfinishedLine>[1]

/** What the requests of a chunk are called. An input that was edited or is gone does not stand in the way of an end. */
async function namesIn(chunks: ChunkReader, at: ChunkCursor): Promise<ReadonlyMap<number, Names>> {
  try {
    const { requests = [], rejects = [] } = (await chunks.read(at))?.chunk ?? {}
    return new Map<number, Names>([
      ...requests.map(({ index, customId, line }) => [index, { customId, line }] as const),
      ...rejects.map(({ index, customId, problem: { line } }) => {
        return [index, { customId: customId ?? `line-${line}`, line }] as const
      }),
    ])
  } catch (error) {
    if (error instanceof InputChanged || error instanceof InputUnreadable) return new Map()
    throw error
  }
}
