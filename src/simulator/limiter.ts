import type { LimitSettings } from './options.js'

/** `retryAfterMs`: how long until a call would be admitted, if no other came in between. */
type LimitVerdict =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly retryAfterMs: number }

export interface Limiter {
  /** Takes one request at `nowMs` (Unix milliseconds, never running backwards), or says how long to wait. */
  take(nowMs: number): LimitVerdict
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
  }
}

/** Windows that start at whole multiples of windowMs since 1970. Refused calls can't matter: the count starts anew. */
function createFixedWindow({ requestsPerWindow, windowMs }: LimitSettings): Limiter {
  let window = Number.NEGATIVE_INFINITY
  let used = 0
  return {
    take(nowMs) {
      const current = Math.floor(nowMs / windowMs)
      if (current > window) {
        window = current
        used = 0
      }
      if (used < requestsPerWindow) {
        used += 1
        return ADMITTED
      }
      return { kind: 'refused', retryAfterMs: (window + 1) * windowMs - nowMs }
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
  return {
    take(nowMs) {
      tokens = Math.min(capacity, tokens + Math.max(0, nowMs - filledAtMs) * tokensPerMs)
      filledAtMs = nowMs
      if (tokens >= 1 - rounding) {
        tokens -= 1
        return ADMITTED
      }
      if (countRefused) tokens = 0
      return { kind: 'refused', retryAfterMs: (1 - tokens) / tokensPerMs }
    },
  }
}
