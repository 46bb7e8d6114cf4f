import {
  ABSURD_RETRY_AFTER,
  BELOW_MEASURED,
  CLOSING_GROWTH,
  FIRST_PROBE_GAP,
  HINT_LASTS,
  LONGEST_CLOSING,
  MOST_PATIENCE,
  OUTAGE_FAILURES,
  SHORTEST_CLOSING,
  START_RATE,
  WINDOW_RETRY_AFTER,
} from './constants.js'
import { beginEpoch, letThrough, startSpan } from './measure.js'
import { rateOf } from './rate.js'
import type { PaceReport, PaceState } from './state.js'

/** What calls came to: a refusal closes, first failures of many requests are an outage, a success ends it. */
export function takeIn(state: PaceState, report: PaceReport, now: number): void {
  const { refused, failed, unsent, hint } = report
  const passed = report.answered + report.otherwise
  const isNow = report.epoch === state.epoch
  state.recentRefusals += refused
  state.recentCalls = Math.max(0, state.recentCalls - unsent)
  if (hint > 0) hear(state, hint, now)
  if (state.closed === 2) {
    // An answer to a call from before the outage says nothing about now.
    if (isNow && passed + refused > 0) {
      endOutage(state, now)
      if (refused > 0) close(state, report, now)
    }
  } else if (passed + refused > 0) state.failures = 0
  else state.failures += report.fresh
  if (isNow && report.epoch === state.epoch) {
    // A report may get through twice.
    state.sent = Math.max(0, state.sent - refused - unsent)
    if (refused > 0) close(state, report, now)
    else if (state.misses > 0 && state.closed === 0 && passed + failed > 0) letThrough(state)
  }
  if (state.failures >= OUTAGE_FAILURES && state.closed !== 2) beginOutage(state, now)
}

/** The first 429 of an epoch closes for the whole fleet; later ones can only prolong it. */
function close(state: PaceState, { retryAfter, slowestRefusal }: PaceReport, now: number): void {
  const isFirst = state.closed === 0
  state.slowestRefusal = Math.max(slowestRefusal, isFirst ? 0.9 * state.slowestRefusal : state.slowestRefusal)
  if (isFirst) {
    state.rateAtClosing = rateOf(state)
    state.closed = 1
    state.closedAt = now
    state.retryAfter = 0
    state.notBefore = now
  }
  const closing = Math.max(SHORTEST_CLOSING, state.slowestRefusal + 0.1) * CLOSING_GROWTH ** state.misses
  state.notBefore = Math.max(state.notBefore, state.closedAt + Math.min(LONGEST_CLOSING, closing))
  if (retryAfter >= WINDOW_RETRY_AFTER && retryAfter <= ABSURD_RETRY_AFTER) {
    state.retryAfter = Math.max(state.retryAfter, now + retryAfter - state.closedAt)
    state.notBefore = Math.max(state.notBefore, now + retryAfter + 0.25)
  }
}

function beginOutage(state: PaceState, now: number): void {
  if (state.closed === 0) state.rateAtClosing = rateOf(state)
  // A Retry-After is kept to.
  state.notBefore = Math.max(state.closed === 1 ? state.notBefore : 0, now + FIRST_PROBE_GAP)
  state.closed = 2
  state.closedAt = now
  state.probeGap = FIRST_PROBE_GAP
  state.epoch++
  state.sent = 0
}

/** Back to the rate from before, at once; one that was still searching goes on from half of it. */
function endOutage(state: PaceState, now: number): void {
  state.failures = 0
  state.misses = 0
  state.next = now
  state.base = state.searching === 1 ? Math.max(START_RATE, state.rateAtClosing / 2) : state.rateAtClosing
  startSpan(state, now)
  beginEpoch(state, now)
}

/** A limit that is told in headers: believed when it is new, and not as long as a lower one is told too. */
function hear(state: PaceState, hint: number, now: number): void {
  const isLower = state.hint === 0 || hint < state.hint
  if (isLower || (hint > state.hint && now - state.hintAt > HINT_LASTS)) believeHint(state, hint, now)
  if (hint === state.hint) state.hintAt = now
}

/** A limit that headers tell is where to begin; refusals still have the last word. */
function believeHint(state: PaceState, hint: number, now: number): void {
  state.hint = hint
  state.base = BELOW_MEASURED * hint
  state.age = 0
  state.searching = 0
  state.patience = MOST_PATIENCE
  if (state.closed > 0) state.rateAtClosing = state.base
  state.next = Math.min(state.next, now + 1 / state.base)
}
