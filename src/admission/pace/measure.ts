import {
  BELOW_MEASURED,
  DEEPEST_CUT,
  LEAST_PATIENCE,
  MOST_PATIENCE,
  SLOWEST,
  WINDOW_RETRY_AFTER,
} from './constants.js'
import type { PaceState } from './state.js'

/** The end of a closing. By now late 429s and voided permits are in: what was sent and not refused was let through. */
export function reopen(state: PaceState, now: number): void {
  if (state.sent > 0) measure(state)
  else state.misses++
  beginEpoch(state, now)
}

/** Reports of what went out before say nothing about what goes out from now on. */
export function beginEpoch(state: PaceState, now: number): void {
  state.epoch++
  state.closed = 0
  state.age = 0
  state.sent = 0
  state.next = Math.min(Math.max(state.next, now), now + 1 / state.base)
}

/** Forgets what was let through so far: measuring begins anew. */
export function startSpan(state: PaceState, at: number): void {
  state.since = at
  state.sinceBefore = at
  state.admitted = 0
  state.admittedBefore = 0
}

/** The first call that passes after closings in which none did: now it is known how long the limit kept us out. */
export function letThrough(state: PaceState): void {
  const admitted = state.admittedBefore + state.admitted
  if (state.closedAt - state.since >= WINDOW_RETRY_AFTER && admitted > 0) {
    const span = state.closedAt - state.sinceBefore
    const most = Math.max(state.base, state.rateAtClosing)
    state.base = Math.max(SLOWEST, Math.min(most, (BELOW_MEASURED * admitted) / span))
    state.patience = Math.min(MOST_PATIENCE, Math.max(state.patience, span / 2))
    startSpan(state, state.closedAt)
  }
  state.misses = 0
  state.age = 0
}

/** What was let through, over the time it took and the time we are told to wait: the limit, whatever the latency. */
function measure(state: PaceState): void {
  state.admitted += state.sent
  const { retryAfter, closedAt } = state
  const lasted = closedAt - state.since
  // A Retry-After longer than the span: the window it ends began before it.
  const isWithin = retryAfter <= lasted
  const span = (isWithin ? lasted : closedAt - state.sinceBefore) + retryAfter
  const admitted = state.admitted + (isWithin ? 0 : state.admittedBefore)
  state.base = Math.max(SLOWEST, Math.min(state.rateAtClosing, newBase(state, admitted, span)))
  if (state.searching === 1 || lasted >= state.patience) {
    state.sinceBefore = state.since
    state.admittedBefore = state.admitted
    state.since = closedAt + retryAfter
    state.admitted = 0
  }
  state.patience =
    retryAfter > 0
      ? Math.min(MOST_PATIENCE, Math.max(LEAST_PATIENCE, span / 2))
      : Math.max(LEAST_PATIENCE, 0.8 * state.patience)
  state.misses = 0
  state.searching = 0
}

/** A short span is not believed alone: for what it lacks of 20 calls, or of our patience, the old rate is assumed. */
function newBase(state: PaceState, admitted: number, span: number): number {
  const { rateAtClosing: rate, patience } = state
  const isWindow = state.retryAfter > 0
  if (state.searching === 1 && isWindow) return (BELOW_MEASURED * admitted) / span
  const least = Math.max(span, 20 / rate, (patience - LEAST_PATIENCE) / 3)
  const assumed = rate * (least - span)
  // The search grew all the time, so the mean of its span is far below its end; and a bucket has closed already.
  if (state.searching === 1) return (1.4 * (admitted + assumed)) / least
  const base =
    isWindow || patience > LEAST_PATIENCE
      ? (BELOW_MEASURED * admitted + assumed) / least
      : Math.min(BELOW_MEASURED * rate, (admitted + assumed) / least)
  return Math.max(DEEPEST_CUT * rate, base)
}
