import {
  FIRST_PROBE_GAP,
  LAST_PROBE_GAP,
  LEAST_PATIENCE,
  LONGEST_STEP,
  PROBE_GAP_GROWTH,
  RECENT_SECONDS,
  SEARCH_SLACK,
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
    slowestRefusal: 0,
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
    hintAt: 0,
    recentCalls: 0,
    recentRefusals: 0,
  }
}

/**
 * Takes in what came of earlier permits and hands out the next ones. Changes `state`; knows no clock and no Redis.
 * The fleet runs its twin, pace.lua: test/integration/pace-twins.test.ts replays the same calls through both.
 */
export function stepPace(state: PaceState, { want, report, now, ceiling, horizon }: PaceAsk): PaceLease {
  grow(state, now)
  if (report !== null) takeIn(state, report, now)
  if (state.closed === 1 && now >= state.notBefore) reopen(state, now)
  if (isProbeThrough(state, now)) letThrough(state)
  const wished = rateOf(state)
  const rate = Math.min(ceiling, wished)
  // The call that asks whether an outage is over has no place in the schedule.
  const first = state.closed === 2 ? now : Math.max(state.next, now)
  const permits = permitsNow(state, want, first, rate, now + horizon)
  const mustWait = permits < want || first + want / rate > now + horizon
  if (want > 0) state.limited = mustWait && wished < ceiling ? 1 : 0
  if (permits > 0) {
    skipIdleTime(state, first)
    state.sent += permits
    state.recentCalls += permits
    state.next = first + permits / rate
    state.lastLease = first
  }
  return { permits, firstIn: first - now, rate, wait: waitUntilUseful(state, now, horizon) }
}

/**
 * Time makes the rate grow only while the rate is what calls wait for: neither an idle night nor a machine too busy to
 * send in time ends in a burst.
 */
function grow(state: PaceState, now: number): void {
  if (now < state.at) setBack(state, state.at - now)
  const passed = Math.max(0, now - state.at)
  const slack = state.searching === 1 ? SEARCH_SLACK : 0
  const waited = state.limited === 1 && now <= state.next + slack && state.closed === 0 && state.misses === 0
  if (waited) state.age += Math.min(LONGEST_STEP, passed)
  const kept = Math.exp(-passed / RECENT_SECONDS)
  state.recentCalls *= kept
  state.recentRefusals *= kept
  state.at = now
}

/** Redis's clock was set back, or another server took over: what lay ahead lies as far ahead as before. */
function setBack(state: PaceState, by: number): void {
  state.next -= by
  state.notBefore -= by
  state.closedAt -= by
  state.since -= by
  state.sinceBefore -= by
  state.lastLease -= by
  state.hintAt -= by
}

/** A time in which nobody asked says nothing about the limit: it is taken out of the span that is measured. */
function skipIdleTime(state: PaceState, first: number): void {
  const idle = first - Math.max(state.lastLease, state.next, state.notBefore, state.since)
  if (idle <= LONGEST_STEP) return
  state.since += idle
  state.sinceBefore += idle
}

/** Answers may take a minute, refusals come soon: a call that was not refused in their time has passed. */
function isProbeThrough(
  { misses, closed, sent, lastLease, slowestRefusal }: PaceState,
  now: number,
): boolean {
  return misses > 0 && closed === 0 && sent > 0 && now - lastLease > Math.max(1, 1.5 * slowestRefusal)
}

/** @param until the end of what is handed out now */
function permitsNow(state: PaceState, want: number, first: number, rate: number, until: number): number {
  if (state.closed === 1 || want <= 0) return 0
  if (state.closed === 2) return probeOutage(state)
  // After a closing in which nothing passed, one call finds out whether anything does.
  if (state.misses > 0) return state.sent > 0 ? 0 : 1
  if (first > until) return 0
  return Math.min(want, Math.floor((until - first) * rate) + 1)
}

/** In an outage one call at a time asks whether it is over. */
function probeOutage(state: PaceState): number {
  if (state.at < state.notBefore) return 0
  state.notBefore = state.at + state.probeGap
  state.probeGap = Math.min(LAST_PROBE_GAP, state.probeGap * PROBE_GAP_GROWTH)
  return 1
}

function waitUntilUseful(
  { closed, misses, notBefore, next }: PaceState,
  now: number,
  horizon: number,
): number {
  if (closed > 0) return Math.max(0, notBefore - now)
  if (misses > 0) return 0.1
  // Not again for one permit: half a horizon is worth the trip, and still there before it is needed.
  return Math.max(0, next - horizon / 2 - now)
}
