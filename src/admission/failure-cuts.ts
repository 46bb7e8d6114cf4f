import type { EndedCall } from './concurrency.js'

/** What is remembered of 5xx, timeouts and connections that failed. */
export interface Failures {
  /** Of the calls that have ended lately and began after the last cut: a moving average, 0 to 1. */
  readonly share: number
  /** How many those are. */
  readonly seen: number
  readonly cutAtMs: number
  /** The width at which so many failed; null: none is known, or the width was not what failed them. */
  readonly failedAt: number | null
  /** Until then the width stays below `failedAt`. */
  readonly untilMs: number
  readonly forMs: number
}

/** Of the recent results: a few poison requests among many good ones are no sign of overload. */
const MANY = 0.3
/** One result's weight in the share: seven failures in a row are many, and so are some twenty of which half fail. */
const WEIGHT = 0.05
/** With more than this nothing grows. */
const SOME = 0.2
/** After a cut so many results (or as many as there are slots) tell whether it helped. */
const TELLING = 20
const CUT = 0.5
/** Between two cuts; and only calls begun after a cut can cause the next, so it is never less than their latency. */
const CUT_EVERY_MS = 500
/** Below the width that failed, while it is remembered. */
const BELOW = 0.75
/** An overload is tried again after this long; twice as long each time that it fails again soon after. */
const REMEMBER_MS = 5000
const REMEMBER_AT_MOST_MS = 120_000

export const NO_FAILURES: Failures = {
  share: 0,
  seen: 0,
  cutAtMs: Number.NEGATIVE_INFINITY,
  failedAt: null,
  untilMs: 0,
  forMs: REMEMBER_MS,
}

/** Takes in how calls ended: whether the width is to be cut, and the most that it may grow to. */
export function takeInFailures(
  failures: Failures,
  ended: readonly EndedCall[],
  width: number,
  nowMs: number,
): { readonly cut: boolean; readonly failures: Failures; readonly mostWidth: number } {
  let { share, seen } = failures
  for (const { kind, beganAtMs } of ended) {
    if (kind === 'refused' || beganAtMs < failures.cutAtMs) continue
    seen++
    share += WEIGHT * ((kind === 'failed' ? 1 : 0) - share)
  }
  const now = { ...failures, share, seen }
  const cut = share >= MANY && nowMs - failures.cutAtMs >= CUT_EVERY_MS
  return { cut, failures: now, mostWidth: mostWidth(now, width, nowMs) }
}

function mostWidth(
  { share, seen, cutAtMs, failedAt, untilMs }: Failures,
  width: number,
  nowMs: number,
): number {
  const told = cutAtMs === Number.NEGATIVE_INFINITY || seen >= Math.min(TELLING, width)
  if (!told || share >= SOME) return 0
  return failedAt !== null && nowMs < untilMs ? Math.floor(failedAt * BELOW) : Number.POSITIVE_INFINITY
}

/**
 * Half the width, and what is remembered of it. What fails down to the floor is an outage: then the width was not the
 * cause, and nothing keeps it from growing as soon as calls succeed.
 */
export function afterCut(
  failures: Failures,
  width: number,
  floor: number,
  nowMs: number,
): { width: number; failures: Failures } {
  const cut = Math.max(floor, Math.floor(width * CUT))
  const remembered = { share: 0, seen: 0, cutAtMs: nowMs }
  if (cut === floor) return { width: cut, failures: { ...NO_FAILURES, ...remembered } }
  const forMs = rememberFor(failures, nowMs)
  return { width: cut, failures: { ...remembered, failedAt: width, untilMs: nowMs + forMs, forMs } }
}

/** Longer, when it failed again soon after it was tried again. */
function rememberFor({ failedAt, untilMs, forMs }: Failures, nowMs: number): number {
  if (failedAt === null || nowMs > untilMs + 2 * forMs) return REMEMBER_MS
  return nowMs < untilMs ? forMs : Math.min(REMEMBER_AT_MOST_MS, 2 * forMs)
}
