import type { RetryAfterMode } from './options.js'

const A_YEAR_IN_SECONDS = 31_536_000

/** The Retry-After header for a wait, told as the options say; undefined when it is to be missing. */
export function retryAfterHeader(mode: RetryAfterMode, waitMs: number, nowMs: number): string | undefined {
  if (typeof mode === 'object') return String(mode.fixedSeconds)
  switch (mode) {
    case 'seconds':
      return String(Math.max(1, Math.ceil(waitMs / 1000)))
    case 'date':
      // A date has whole seconds: rounded up, so that whoever obeys is never early.
      return new Date(Math.ceil((nowMs + waitMs) / 1000) * 1000).toUTCString()
    case 'missing':
      return undefined
    case 'zero':
      return '0'
    case 'absurd':
      return String(A_YEAR_IN_SECONDS)
    case 'malformed':
      return 'soon'
  }
}
