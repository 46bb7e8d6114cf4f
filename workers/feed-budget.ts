import type { Session } from '../src/batches/session.js'

const LEAST_READY = 200
const MOST_READY = 2000
/** Ready work for this long at the present pace. */
const READY_SECONDS = 2
/** Retries are capped apart from the ready ones, so that they can't starve the feed. */
const MOST_DELAYED = 5000
/** Answers that are not on disk yet. */
const MOST_UNCOLLECTED = 5000

/** May another chunk be fed? Redis holds about two seconds of work, whatever the batch's length. */
export function createFeedBudget(session: Session, directoryId: string): () => Promise<boolean> {
  const { redis, keys, completions, store } = session
  return async () => {
    const [counts, rate, active] = await Promise.all([
      completions.getJobCounts('wait', 'active', 'delayed'),
      redis.hget(keys.pace, 'rate'),
      store.active(directoryId),
    ])
    const ready = counts.wait ?? 0
    const wanted = Math.max(READY_SECONDS * Number(rate ?? 0), 2 * (counts.active ?? 0), LEAST_READY)
    if (ready >= Math.min(MOST_READY, wanted) || (counts.delayed ?? 0) >= MOST_DELAYED) return false
    const uncollected = await Promise.all(active.map((batch) => redis.xlen(keys.stream(batch))))
    return uncollected.reduce((sum, length) => sum + length, 0) < MOST_UNCOLLECTED
  }
}
