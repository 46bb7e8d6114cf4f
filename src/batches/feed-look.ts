import type { Queue } from 'bullmq'
import { TURN_FUNCTIONS, type TurnsDeps, turnKeys } from '../completions/turns/turns.js'
import { loadScript, runScript } from '../redis/scripts.js'

const lookScript = loadScript(new URL('./feed-look.lua', import.meta.url), TURN_FUNCTIONS)

/** What a queue holds, and how fast it goes. */
export interface QueueFigures {
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly ratePerSecond: number
  /** The turn of the job at its head. */
  readonly turn: number
}

/** What one batch has in Redis. */
export interface BatchFigures {
  readonly batch: string
  readonly fed: number
  /** Requests that are still to be fed, retries included. */
  readonly unfed: number
  /** Fed, and without an end. */
  readonly open: number
  /** Ended, and not yet in files. */
  readonly uncollected: number
  /** The turn that its next request would have if it has requests waiting. */
  readonly turn: number
}

export interface FeedLook {
  readonly queue: QueueFigures
  readonly batches: readonly BatchFigures[]
}

const QUEUE_FIGURES = 5
const BATCH_FIGURES = 7

/** One trip to Redis for all batches. */
export async function lookAtFeed(
  batches: readonly string[],
  deps: TurnsDeps & { readonly queue: Queue },
): Promise<FeedLook> {
  const { redis, keys, queue } = deps
  const own = batches.flatMap((batch) => [keys.batch(batch), keys.stream(batch), keys.retries(batch)])
  const names = [...turnKeys(deps), queue.toKey('wait'), keys.pace, ...own]
  const reply = (await runScript(redis, lookScript, names, batches)) as (string | number)[]
  const [waiting = 0, active = 0, delayed = 0, ratePerSecond = 0, turn = 0] = reply.map(Number)
  return {
    queue: { waiting, active, delayed, ratePerSecond, turn },
    batches: batches.map((batch, i) => {
      const at = QUEUE_FIGURES + i * BATCH_FIGURES
      return toFigures(batch, reply.slice(at, at + BATCH_FIGURES).map(Number))
    }),
  }
}

function toFigures(batch: string, figures: readonly number[]): BatchFigures {
  const [total = 0, fed = 0, completed = 0, failed = 0, uncollected = 0, retries = 0, turn = 0] = figures
  const open = Math.max(0, fed - completed - failed - retries)
  return { batch, fed, unfed: total - fed + retries, open, uncollected, turn }
}
