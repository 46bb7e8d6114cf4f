import type { BatchFigures, QueueFigures } from './feed-look.js'
import type { Fed } from './feeder.js'

const LEAST_READY = 200
/** Ready work for this long at the present pace, up to a bound: a chunk is fed in a few milliseconds. */
const READY_SECONDS = 2
const MOST_READY = 2000
/** Times the jobs that the fleet works on now: what it may double its concurrency to is there when it does. */
const READY_FOR_ACTIVE = 2
/** Retries are capped apart from the ready ones, so that they can't starve the feed. */
const MOST_DELAYED = 5000
/** Answers that are not on disk yet. */
const MOST_UNCOLLECTED = 5000
/** Bodies that were fed and whose ends are not on disk, of delayed requests and of all others. */
const MOST_BYTES = 32 * 1024 * 1024
/** How far a batch that has nothing ready may go beyond the bounds with its one portion, when others reach them. */
const FOR_NEWCOMERS = 1.5
/** Requests in a portion when several batches take turns. */
const PORTION = 100
const LONGEST_PORTION = 500
/** Then the others have waited long enough: those who collect, and batches that came meanwhile. */
const MOST_PORTIONS = 40

/** A batch and what its open requests weigh. */
export interface FeedableBatch extends BatchFigures {
  /** Of what was fed of it and is not collected. */
  readonly bytes: number
}

export interface NextPortion {
  readonly batch: string
  readonly most: number
}

/** Which batches are fed how much now. */
export interface FeedRound {
  /** Whose turn it is; null when Redis holds enough. */
  next(): NextPortion | null
  /** What became of that. */
  fed(batch: string, fed: Fed): void
}

interface Standing {
  readonly figures: FeedableBatch
  unfed: number
  turn: number
  portions: number
}

/**
 * Redis holds about two seconds of work of batches, in count and in bytes, whatever their length, and however many
 * single requests wait beside them. The batch whose next request is due first is fed first, so what is ready has the
 * shares of what is called. One that has next to nothing ready gets a portion even when others have reached the
 * bounds, up to higher ones that hold for all.
 */
export function startFeedRound(queue: QueueFigures, batches: readonly FeedableBatch[]): FeedRound {
  const held = sumUp(queue, batches)
  const wanted = wantedReady(queue)
  let { ready, bytes } = held
  let portions = 0
  const standing = batches
    .filter(({ unfed }) => unfed > 0)
    .map((figures): Standing => ({ figures, unfed: figures.unfed, turn: figures.turn, portions: 0 }))

  function mayFeed({ figures, turn, portions }: Standing): boolean {
    if (held.uncollected >= MOST_UNCOLLECTED) return false
    const isNewcomer = turn <= queue.turn && portions === 0 && figures.bytes < MOST_BYTES / batches.length
    const delayedOften = held.delayed >= MOST_DELAYED || held.delayedBytes >= MOST_BYTES
    if (delayedOften && !isSmall(figures, batches.length)) return false
    const room = isNewcomer ? FOR_NEWCOMERS : 1
    return ready < (isNewcomer ? room * Math.max(wanted, MOST_READY) : wanted) && bytes < room * MOST_BYTES
  }

  return {
    next() {
      if (portions >= MOST_PORTIONS) return null
      let best: Standing | null = null
      for (const one of standing) {
        if (one.unfed > 0 && (best === null || isBefore(one, best, queue.turn)) && mayFeed(one)) best = one
      }
      if (best === null) return null
      const alone = standing.length === 1
      const most = alone ? Math.min(LONGEST_PORTION, Math.max(PORTION, wanted - ready)) : PORTION
      return { batch: best.figures.batch, most: Math.ceil(most) }
    },
    fed(batch, fed) {
      portions++
      const one = standing.find(({ figures }) => figures.batch === batch)
      if (one === undefined) return
      one.portions++
      one.unfed = fed.count === 0 ? 0 : one.unfed - fed.count
      one.turn = fed.turn ?? one.turn
      ready += fed.turn === null ? 0 : fed.count
      bytes += fed.bytes
    },
  }
}

function wantedReady({ active, ratePerSecond }: QueueFigures): number {
  const paced = Math.min(MOST_READY, READY_SECONDS * ratePerSecond)
  return Math.max(paced, READY_FOR_ACTIVE * active, LEAST_READY)
}

/** Of what these batches have open, so much is ready and so much delayed: BullMQ does not tell whose a job is. */
function sumUp({ waiting, active, delayed }: QueueFigures, batches: readonly FeedableBatch[]) {
  const sum = (of: (one: FeedableBatch) => number) => batches.reduce((all, one) => all + of(one), 0)
  const jobs = Math.max(1, waiting + active + delayed)
  const share = Math.min(1, sum(({ open }) => open) / jobs)
  const bytes = sum((one) => one.bytes)
  const delayedBytes = (bytes * delayed) / jobs
  return {
    ready: waiting * share,
    delayed: delayed * share,
    uncollected: sum(({ uncollected }) => uncollected),
    bytes: bytes - delayedBytes,
    delayedBytes,
  }
}

/** It has less than its part of what may be delayed. */
function isSmall({ open, bytes }: FeedableBatch, batches: number): boolean {
  return open < MOST_DELAYED / batches && bytes < MOST_BYTES / batches
}

/** What was due before now is due now. */
function isBefore(one: Standing, other: Standing, now: number): boolean {
  const [first, second] = [Math.max(now, one.turn), Math.max(now, other.turn)]
  return first === second ? one.portions < other.portions : first < second
}
