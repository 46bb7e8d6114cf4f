import { backoffMs } from './backoff.js'

/** So long one verdict of `wait` stands for the whole batch; then one of its requests asks anew. */
const REMEMBERED_MS = 1000
/** A batch of which nothing was heard for so long begins anew. */
const FORGOTTEN_MS = 60_000
const BACKOFF = { backoffBaseMs: 1000, backoffCapMs: 15_000 } as const
/** A worker may live through any number of batches. */
const MOST_REMEMBERED = 1000

/**
 * The batches whose requests were told to wait. A permit is taken from the pace whether a call follows or not: without
 * this memory a batch that nobody attends to would use up those of all others.
 */
export interface WaitingBatches {
  /** For how long a request of the batch is put off without a permit; null when it is to ask. */
  putOffMs(batch: string): number | null
  /** One of its requests was told to wait: for how long it is put off. */
  wait(batch: string): number
  /** One was told something else. */
  clear(batch: string): void
}

interface Known {
  /** How often in a row it was told to wait. */
  readonly times: number
  readonly until: number
  /** One of its requests is on its way to ask. */
  readonly asking: boolean
}

/**
 * @param nowMs a clock that nobody sets
 * @param random gives numbers in [0, 1)
 */
export function createWaitingBatches(nowMs: () => number, random: () => number): WaitingBatches {
  const known = new Map<string, Known>()

  function find(batch: string): Known | undefined {
    const found = known.get(batch)
    return found !== undefined && nowMs() - found.until < FORGOTTEN_MS ? found : undefined
  }

  function remember(batch: string, times: number, asking: boolean): void {
    if (known.size >= MOST_REMEMBERED && !known.has(batch)) known.clear()
    known.set(batch, { times, until: nowMs() + REMEMBERED_MS, asking })
  }

  const delayMs = (times: number): number => backoffMs(times, null, BACKOFF, random())

  return {
    putOffMs(batch) {
      const found = find(batch)
      if (found === undefined) return null
      if (nowMs() < found.until) return delayMs(found.times)
      // Whoever comes first asks for all of them.
      remember(batch, found.times, true)
      return null
    },
    wait(batch) {
      const { times = 0, until = 0, asking = true } = find(batch) ?? {}
      // Those that hold permits by then all hear the same: that is one time.
      const heard = asking || nowMs() >= until ? times + 1 : times
      remember(batch, heard, false)
      return delayMs(heard)
    },
    clear: (batch) => void known.delete(batch),
  }
}
