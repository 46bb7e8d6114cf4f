import {
  FIRST_PROBE_GAP,
  HORIZON,
  LAST_PROBE_GAP,
  LEAST_PATIENCE,
  LONGEST_STEP,
  PROBE_GAP_GROWTH,
  START_RATE,
} from './constants.js'
import { letThrough, reopen } from './measure.js'
import { rateOf } from './rate.js'
import type { PaceAsk, PaceLease, PaceState } from './state.js'
import { takeIn } from './take-in.js'

/** The state of a queue that was never paced. `now` in Unix seconds, as everywhere here. */
export function startPace(now: number): PaceState {
  return {
    epoch: 0,
    base: START_RATE,
    age: 0,
    at: now,
    limited: 0,
    searching: 1,
    patience: LEAST_PATIENCE,
    next: now,
    sent: 0,
    lastLease: now,
    closed: 0,
    closedAt: now,
    notBefore: 0,
    rateAtClosing: START_RATE,
    retryAfter: 0,
    misses: 0,
    since: now,
    admitted: 0,
    sinceBefore: now,
    admittedBefore: 0,
    failures: 0,
    probeGap: FIRST_PROBE_GAP,
    hint: 0,
    recentCalls: 0,
    recentRefusals: 0,
  }
}

/**
 * Takes in what came of earlier permits and hands out the next ones. Changes `state`; knows no clock and no Redis.
 * The fleet runs its twin, pace.lua: test/integration/pace-twins.test.ts replays the same calls through both.
 */
export function stepPace(state: PaceState, { want, report, now, ceiling }: PaceAsk): PaceLease {
  grow(state, now)
  if (report !== null) takeIn(state, report, now)
  if (state.closed === 1 && now >= state.notBefore) reopen(state, now)
  // Answers may take a minute, refusals come soon: a call that was not refused within a second has passed.
  if (state.misses > 0 && state.closed === 0 && state.sent > 0 && now - state.lastLease > 1) letThrough(state)
  const wished = rateOf(state)
  const rate = Math.min(ceiling, wished)
  const first = Math.max(state.next, now)
  const permits = permitsNow(state, want, first, rate, now)
  const mustWait = permits < want || first + want / rate > now + HORIZON
  if (want > 0) state.limited = mustWait && wished < ceiling ? 1 : 0
  if (permits > 0) {
    skipIdleTime(state, first)
    state.sent += permits
    state.recentCalls += permits
    state.next = first + permits / rate
    state.lastLease = now
  }
  return { permits, firstIn: first - now, rate, wait: waitUntilUseful(state, now) }
}

/**
 * Time makes the rate grow only while the rate is what calls wait for: neither an idle night nor a machine too busy to
 * send in time ends in a burst.
 */
function grow(state: PaceState, now: number): void {
  const passed = Math.max(0, now - state.at)
  const waited = state.limited === 1 && now <= state.next && state.closed === 0 && state.misses === 0
  if (waited) state.age += Math.min(LONGEST_STEP, passed)
  const kept = Math.exp(-passed / 60)
  state.recentCalls *= kept
  state.recentRefusals *= kept
  state.at = now
}

/** A time in which nobody asked says nothing about the limit: it is taken out of the span that is measured. */
function skipIdleTime(state: PaceState, first: number): void {
  const idle = first - Math.max(state.lastLease, state.next, state.notBefore, state.since)
  if (idle <= LONGEST_STEP) return
  state.since += idle
  state.sinceBefore += idle
}

function permitsNow(state: PaceState, want: number, first: number, rate: number, now: number): number {
  if (state.closed === 1 || want <= 0) return 0
  if (state.closed === 2) {
    if (now < state.notBefore) return 0
    state.notBefore = now + state.probeGap
    state.probeGap = Math.min(LAST_PROBE_GAP, state.probeGap * PROBE_GAP_GROWTH)
    return 1
  }
  // After a closing in which nothing passed, one call finds out whether anything does.
  if (state.misses > 0) return state.sent > 0 ? 0 : 1
  if (first > now + HORIZON) return 0
  return Math.min(want, Math.floor((now + HORIZON - first) * rate) + 1)
}

function waitUntilUseful({ closed, misses, notBefore, next }: PaceState, now: number): number {
  if (closed > 0) return Math.max(0, notBefore - now)
  if (misses > 0) return 0.1
  // Not again for one permit: half a horizon is worth the trip, and still there before it is needed.
  return Math.max(0, next - HORIZON / 2 - now)
}
