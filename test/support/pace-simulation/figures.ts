import type { LimitSettings } from '../../../src/simulator/options.js'
import { type Run, type Scenario, simulate } from './scenario.js'
import { perSecondOf } from './upstream.js'

const MINUTE_S = 60

/** Limits as the simulator process knows them, by what a minute (or a second) lets through. */
export function windowOf(kind: 'sliding' | 'fixed', perMinute: number, countRefused = false): LimitSettings {
  return { kind, requestsPerWindow: perMinute, windowMs: MINUTE_S * 1000, countRefused }
}

export function bucketOf(perSecond: number, burst: number): LimitSettings {
  const requestsPerWindow = perSecond * MINUTE_S
  return { kind: 'bucket', requestsPerWindow, windowMs: MINUTE_S * 1000, burst, countRefused: false }
}

/** The share of a run's calls that were refused, from a time on (s). */
export function refusedShare({ journal }: Run, from = 0): number {
  const sent = journal.sentBetween(from, Number.POSITIVE_INFINITY)
  return sent === 0 ? 0 : journal.refusedBetween(from, Number.POSITIVE_INFINITY) / sent
}

/** How many times as long as the fastest fleet that never wastes a call. */
export function timeRatio({ journal }: Run, ideal: number): number {
  return journal.lastAnswerAt / ideal
}

/** A window's minutes after the first one: of windows that are aligned to the minute, the whole ones. */
export function simulateWindow(limit: LimitSettings, minutes: number, over: Partial<Scenario> = {}) {
  const startsAt = over.startsAt ?? 0
  const from = limit.kind === 'fixed' ? MINUTE_S - startsAt : MINUTE_S
  const to = from + minutes * MINUTE_S
  const run = simulate({ phases: [{ from: 0, limit }], seconds: to, ...over })
  const allowed = perSecondOf({ from, limit }) * (to - from)
  return {
    run,
    used: run.journal.admittedBetween(from, to) / allowed,
    refusedLater: refusedShare(run, from),
    refused: refusedShare(run),
  }
}

/** A batch against a bucket that is full at the start: how it did against a fleet that knows the bucket. */
export function simulateBucket(
  [perSecond, burst]: readonly [number, number],
  prompts: number,
  over: Partial<Scenario> = {},
) {
  const run = simulate({ phases: [{ from: 0, limit: bucketOf(perSecond, burst) }], prompts, ...over })
  const [, slowest] = over.latency ?? [0.2, 0.2]
  const ideal = (prompts - burst) / perSecond + slowest
  return { run, time: timeRatio(run, ideal), refused: refusedShare(run) }
}
