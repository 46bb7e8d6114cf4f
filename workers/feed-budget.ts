import type { BatchMarks, BatchStore } from '../src/batches/batch-store.js'
import type { Session } from '../src/batches/session.js'

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

/**
 * May another chunk be fed? Redis holds about two seconds of work of batches, whatever their length, and however many
 * single requests wait beside them.
 */
export function createFeedBudget(session: Session, directoryId: string): () => Promise<boolean> {
  const { redis, keys, completions, store } = session
  return async () => {
    const [counts, rate, active] = await Promise.all([
      completions.getJobCounts('wait', 'active', 'delayed'),
      redis.hget(keys.pace, 'rate'),
      store.active(directoryId),
    ])
    const ready = await readyOf(active, counts, store)
    const paced = Math.min(MOST_READY, READY_SECONDS * Number(rate ?? 0))
    const wanted = Math.max(paced, READY_FOR_ACTIVE * (counts.active ?? 0), LEAST_READY)
    if (ready >= wanted || (counts.delayed ?? 0) >= MOST_DELAYED) return false
    const uncollected = await Promise.all(active.map((batch) => redis.xlen(keys.stream(batch))))
    return uncollected.reduce((sum, length) => sum + length, 0) < MOST_UNCOLLECTED
  }
}

/** Jobs of these batches that wait for a call: their part of all, since BullMQ does not tell whose a job is. */
async function readyOf(
  batches: readonly string[],
  counts: Readonly<Record<string, number>>,
  store: BatchStore,
): Promise<number> {
  const { wait = 0, active = 0, delayed = 0 } = counts
  if (wait === 0) return 0
  const marks = await Promise.all(batches.map((batch) => store.marks(batch)))
  const open = marks.reduce((sum, one) => sum + Math.max(0, (one?.fed ?? 0) - endedOf(one)), 0)
  return Math.min(wait, (open * wait) / (wait + active + delayed))
}

function endedOf(marks: BatchMarks | null): number {
  return (marks?.completed ?? 0) + (marks?.failed ?? 0)
}
