import type { LimitSettings } from './options.js'

/** `retryAfterMs`: how long until a call would be admitted, if no other came in between. */
type LimitVerdict =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly retryAfterMs: number }

/** How much of a limit is left. */
export interface RateState {
  /** Requests per window. */
  readonly limit: number
  /** Calls that would be admitted now, one right after the other. */
  readonly remaining: number
  /** How long until nothing is used up any more, if no call came in between. */
  readonly resetMs: number
}

export interface Limiter {
  /** Takes one request at `nowMs` (Unix milliseconds, never running backwards), or says how long to wait. */
  take(nowMs: number): LimitVerdict
  /** What is left at `nowMs`; takes nothing. */
  state(nowMs: number): RateState
}

const ADMITTED: LimitVerdict = { kind: 'admitted' }

/** The requests-per-minute limit of one API key (Conduit: Rate Limiting), in one of three kinds. */
export function createLimiter(limit: LimitSettings): Limiter {
  switch (limit.kind) {
    case 'sliding':
      return createSlidingWindow(limit)
    case 'fixed':
      return createFixedWindow(limit)
    case 'bucket':
      return createTokenBucket(limit)
  }
}

/** A ring of the last `requestsPerWindow` times that count: the oldest must have left the window. */
function createSlidingWindow({ requestsPerWindow, windowMs, countRefused }: LimitSettings): Limiter {
  const times = new Float64Array(requestsPerWindow).fill(Number.NEGATIVE_INFINITY)
  let oldest = 0
  const push = (nowMs: number) => {
    times[oldest] = nowMs
    oldest = (oldest + 1) % requestsPerWindow
  }
  const freeAtMs = () => (times[oldest] ?? Number.NEGATIVE_INFINITY) + windowMs

  return {
    take(nowMs) {
      if (freeAtMs() <= nowMs) {
        push(nowMs)
        return ADMITTED
      }
      if (countRefused) push(nowMs)
      return { kind: 'refused', retryAfterMs: freeAtMs() - nowMs }
    },
    state(nowMs) {
      // The times stand in the ring in their order: halving finds how many have left the window.
      const timeAt = (index: number) => times[(oldest + index) % requestsPerWindow] ?? 0
      let [low, high] = [0, requestsPerWindow]
      while (low < high) {
        const middle = (low + high) >>> 1
        if (timeAt(middle) + windowMs <= nowMs) low = middle + 1
        else high = middle
      }
      const resetMs = Math.max(0, timeAt(requestsPerWindow - 1) + windowMs - nowMs)
      return { limit: requestsPerWindow, remaining: low, resetMs }
    },
  }
}

/** Windows that start at whole multiples of windowMs since 1970. Refused calls can't matter: the count starts anew. */
function createFixedWindow({ requestsPerWindow, windowMs }: LimitSettings): Limiter {
  let window = Number.NEGATIVE_INFINITY
  let used = 0
  const enter = (nowMs: number) => {
    const current = Math.floor(nowMs / windowMs)
    if (current > window) {
      window = current
      used = 0
    }
  }
  return {
    take(nowMs) {
      enter(nowMs)
      if (used < requestsPerWindow) {
        used += 1
        return ADMITTED
      }
      return { kind: 'refused', retryAfterMs: (window + 1) * windowMs - nowMs }
    },
    state(nowMs) {
      enter(nowMs)
      const resetMs = used === 0 ? 0 : (window + 1) * windowMs - nowMs
      return { limit: requestsPerWindow, remaining: requestsPerWindow - used, resetMs }
    },
  }
}

/** Full at the start; refills evenly. Where refused calls count, one drains what is left. */
function createTokenBucket({ requestsPerWindow, windowMs, burst, countRefused }: LimitSettings): Limiter {
  const capacity = burst ?? requestsPerWindow
  const tokensPerMs = requestsPerWindow / windowMs
  const rounding = 1e-9
  let tokens = capacity
  let filledAtMs = Number.NEGATIVE_INFINITY
  const fill = (nowMs: number) => {
    tokens = Math.min(capacity, tokens + Math.max(0, nowMs - filledAtMs) * tokensPerMs)
    filledAtMs = nowMs
  }
  return {
    take(nowMs) {
      fill(nowMs)
      if (tokens >= 1 - rounding) {
        tokens -= 1
        return ADMITTED
      }
      if (countRefused) tokens = 0
      return { kind: 'refused', retryAfterMs: (1 - tokens) / tokensPerMs }
    },
    state(nowMs) {
      fill(nowMs)
      const remaining = Math.floor(tokens + rounding)
      const missing = capacity - tokens
      return { limit: requestsPerWindow, remaining, resetMs: missing < rounding ? 0 : missing / tokensPerMs }
    },
  }
}
