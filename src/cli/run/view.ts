import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { isUnwritable } from '../../redis/unwritable.js'
import { createRateMeter, estimateLeftMs } from '../progress/rate.js'
import type { Screen } from './screen.js'

/** Where things stand. `batch` is null when Redis has forgotten it. */
export interface Seen {
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
}

export interface View {
  /** Reads where things stand and shows it; null while Redis does not answer, when the last figures stay. */
  look(how: { readonly attached: boolean; readonly closing: boolean }): Promise<Seen | null>
}

export interface ViewOptions {
  readonly session: Session
  readonly batch: string
  readonly screen: Screen
  readonly startedAt: number
  /** Told why a look failed. */
  readonly onTrouble: (text: string) => void
}

const RATE_WINDOW_MS = 10_000
/** A look that takes longer is shown as a Redis that is away. */
const PATIENCE_MS = 2000

/** The progress of one batch on the screen. */
export function createView({ session, batch, screen, startedAt, onTrouble }: ViewOptions): View {
  const meter = createRateMeter({ windowMs: RATE_WINDOW_MS })
  let last: { batch: BatchSnapshot; queue: QueueSnapshot } | null = null
  let pending: Promise<Seen | null> | null = null

  async function read(): Promise<Seen | null> {
    try {
      const [seen, queue] = await Promise.all([readBatchSnapshot(session, batch), readQueueSnapshot(session)])
      return { batch: seen, queue }
    } catch (error) {
      if (!isUnwritable(error)) onTrouble(`Redis refuses to answer: ${(error as Error).message}`)
      return null
    } finally {
      pending = null
    }
  }

  /** A look that is still waiting for Redis is the next one's too: they must not pile up. */
  async function readInTime(): Promise<Seen | null> {
    pending ??= read()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), PATIENCE_MS)
    })
    try {
      return await Promise.race([pending, late])
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async look({ attached, closing }) {
      const seen = await readInTime()
      if (seen !== null && seen.batch !== null) last = { batch: seen.batch, queue: seen.queue }
      if (last === null) return seen
      const nowMs = Date.now()
      const done = last.batch.completed + last.batch.failed
      if (seen !== null) meter.sample(nowMs, done)
      const ratePerSecond = meter.ratePerSecond()
      screen.update({
        ...last,
        nowMs,
        startedAtMs: startedAt,
        ratePerSecond,
        leftMs: estimateLeftMs(last.batch.total - done, ratePerSecond),
        connection: seen === null ? 'reconnecting' : 'ok',
        closing,
        attached,
      })
      return seen
    },
  }
}
