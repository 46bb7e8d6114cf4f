/** What came in each span of `bucketMs` since `startMs` (Unix milliseconds). All lists have the same length. */
export interface TimelineSeries {
  readonly bucketMs: number
  readonly startMs: number
  /** Unix milliseconds; null before the first call and the first completion that was written whole. */
  readonly firstCallMs: number | null
  readonly lastAnswerMs: number | null
  readonly arrived: readonly number[]
  /** By the moment of the decision: a call is admitted when its completion is decided, not when it is written. */
  readonly completed: readonly number[]
  /** Answered 429, by the limiter, a quota or a fault. */
  readonly refused: readonly number[]
  /** Everything else. */
  readonly failed: readonly number[]
  /** The most calls in flight at any moment of the span. */
  readonly inFlight: readonly number[]
}

export interface Timeline {
  arrived(): void
  decided(end: 'completed' | 'refused' | 'failed'): void
  answered(): void
  left(): void
  series(): TimelineSeries
}

const LISTS = ['arrived', 'completed', 'refused', 'failed', 'inFlight'] as const

/** A record of what happened when. `now` gives Unix milliseconds. */
export function createTimeline(bucketMs: number, now: () => number): Timeline {
  const startMs = Math.floor(now() / bucketMs) * bucketMs
  const lists: Record<(typeof LISTS)[number], number[]> = {
    arrived: [],
    completed: [],
    refused: [],
    failed: [],
    inFlight: [],
  }
  let firstCallMs: number | null = null
  let lastAnswerMs: number | null = null
  let inFlight = 0

  /** The span that is now; those since the last one saw nothing but the calls that were in flight. */
  const current = (): number => {
    const index = Math.max(0, Math.floor((now() - startMs) / bucketMs))
    while (lists.arrived.length <= index) for (const name of LISTS) lists[name].push(0)
    return index
  }
  const fillInFlight = (from: number, to: number): void => {
    for (let index = from; index <= to; index += 1)
      lists.inFlight[index] = Math.max(lists.inFlight[index] ?? 0, inFlight)
  }
  /** Gives the span that is now, with what was in flight until now noted. */
  const advance = (): number => {
    const known = lists.arrived.length
    const index = current()
    fillInFlight(Math.min(known, index), index)
    return index
  }
  const add = (name: Exclude<(typeof LISTS)[number], 'inFlight'>, index: number): void => {
    lists[name][index] = (lists[name][index] ?? 0) + 1
  }

  return {
    arrived() {
      firstCallMs ??= now()
      const index = advance()
      add('arrived', index)
      inFlight += 1
      fillInFlight(index, index)
    },
    decided(end) {
      add(end, advance())
    },
    answered() {
      lastAnswerMs = now()
    },
    left() {
      advance()
      inFlight -= 1
    },
    series() {
      advance()
      return { bucketMs, startMs, firstCallMs, lastAnswerMs, ...structuredClone(lists) }
    },
  }
}
