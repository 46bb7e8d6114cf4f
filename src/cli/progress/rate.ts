interface Sample {
  readonly nowMs: number
  readonly done: number
}

/** Measures how fast requests are answered. */
export interface RateMeter {
  /** Takes down how many were done at a moment. The first one is where counting starts. */
  readonly sample: (nowMs: number, done: number) => void
  /** Requests per second over the last window; null until a second has been measured. */
  readonly ratePerSecond: () => number | null
}

const SHORTEST_SPAN_MS = 1000
const ENOUGH_DONE = 10
const LONGEST_WINDOWS = 6

/**
 * A meter over the last `windowMs`. Answers that were there at the first sample don't count. When few answers
 * come, the window stretches (up to six times) until it holds ten, so that slow work has a steady rate too.
 */
export function createRateMeter({ windowMs }: { readonly windowMs: number }): RateMeter {
  let samples: Sample[] = []

  return {
    sample(nowMs, done) {
      const last = samples.at(-1)
      // A clock set back or a count that falls (failed requests opened again) says nothing about speed.
      if (last !== undefined && (nowMs < last.nowMs || done < last.done)) samples = []
      samples.push({ nowMs, done })
      samples = samples.slice(firstNeeded(samples, windowMs))
    },
    ratePerSecond() {
      const first = samples[0]
      const last = samples.at(-1)
      if (first === undefined || last === undefined) return null
      const spanMs = last.nowMs - first.nowMs
      return spanMs < SHORTEST_SPAN_MS ? null : ((last.done - first.done) * 1000) / spanMs
    },
  }
}

/** The newest sample that still leaves a full window, with enough answers in it, behind it. */
function firstNeeded(samples: readonly Sample[], windowMs: number): number {
  const last = samples.at(-1)
  if (last === undefined) return 0
  let first = 0
  for (const [index, { nowMs, done }] of samples.entries()) {
    const ageMs = last.nowMs - nowMs
    if (ageMs < windowMs) break
    if (last.done - done < ENOUGH_DONE && ageMs < windowMs * LONGEST_WINDOWS) break
    first = index
  }
  return first
}

/** Time until `remaining` requests are done at this rate, in ms; null when the rate doesn't tell. */
export function estimateLeftMs(remaining: number, ratePerSecond: number | null): number | null {
  if (remaining <= 0) return 0
  if (ratePerSecond === null || ratePerSecond <= 0) return null
  return (remaining / ratePerSecond) * 1000
}
