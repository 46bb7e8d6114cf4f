import type { Session } from '../src/batches/session.js'
import type { BatchOptions } from '../src/completions/request.js'

/** Connections a process may have open to Conduit; also the most calls it may have in flight. */
export const MOST_CONCURRENCY = 1000

/** How many calls this process may have in flight: the most that an active batch asks for. */
export function createConcurrency(
  { store }: Session,
  directoryId: string,
  options: (batch: string) => Promise<BatchOptions>,
): () => Promise<number> {
  return async () => {
    const active = await store.active(directoryId)
    const wanted = await Promise.all(active.map(async (batch) => (await options(batch)).concurrency))
    return Math.min(MOST_CONCURRENCY, Math.max(1, ...wanted))
  }
}
