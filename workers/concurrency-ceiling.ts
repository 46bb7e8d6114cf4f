import type { Session } from '../src/batches/session.js'

/** Connections a process may have open to Conduit; also the most calls it may have in flight. */
export const MOST_CONCURRENCY = 1000

/** What bounds the calls that one process may have in flight for a queue. */
export interface ConcurrencyBounds {
  /** Asked for on the command line: it wins. Null: what the batches ask for. */
  readonly wanted: number | null
  /** What the queue's configuration allows to batches; null: no bound. */
  readonly ceiling: number | null
}

/**
 * The most calls that this process may have in flight now: what was asked for, else the most that an active batch of
 * the queue asks for, whichever data directory it is in. Single requests of producers ask for no bound.
 */
export function createConcurrencyCeiling(
  { redis, keys, store }: Session,
  { wanted, ceiling }: ConcurrencyBounds,
): () => Promise<number> {
  return async () => {
    if (wanted !== null) return Math.min(wanted, MOST_CONCURRENCY)
    const active = await redis.smembers(keys.activeBatches)
    const asked = await Promise.all(active.map(async (batch) => (await store.options(batch)).concurrency))
    const most = asked.length === 0 ? MOST_CONCURRENCY : Math.max(...asked)
    return Math.min(most, ceiling ?? MOST_CONCURRENCY, MOST_CONCURRENCY)
  }
}
