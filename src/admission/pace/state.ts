/**
 * What is known of a queue's pace, as numbers that Redis can keep. Times are Unix seconds of Redis's clock, rates calls
 * per second.
 */
export interface PaceState {
  /** Grows with every reopening, and when an outage begins: a report of an earlier one says nothing about this one. */
  epoch: number
  base: number
  /** Seconds of growth since the last reopening. */
  age: number
  /** When it was last looked at. */
  at: number
  /** 1: at the last look calls waited for the pace, and not for the ceiling. */
  limited: number
  /** 1 until the first refusal. */
  searching: number
  /** Seconds; how slowly the rate grows. */
  patience: number
  /** When the next call may go. */
  next: number
  /** Permits of this epoch that were not refused and not given back. */
  sent: number
  /** When the first call of the last lease went out. */
  lastLease: number
  /** How long 429s take to come back, of late. */
  slowestRefusal: number
  /** 0 open, 1 after a refusal, 2 in an outage. */
  closed: number
  closedAt: number
  /** The closing's end; in an outage, when the next call may ask. */
  notBefore: number
  rateAtClosing: number
  /** Longest Retry-After of this closing that tells of a window, from `closedAt`. */
  retryAfter: number
  /** Closings in a row in which nothing passed. */
  misses: number
  /** Start of the span that is measured, and what was let through in it before this epoch; and the span before. */
  since: number
  admitted: number
  sinceBefore: number
  admittedBefore: number
  /** Requests whose first call failed, in a row. */
  failures: number
  probeGap: number
  /** The limit that headers tell, per second (0 none), and when they did last. */
  hint: number
  hintAt: number
  /** Calls and refusals of about the last minute, fading. */
  recentCalls: number
  recentRefusals: number
}

/** What came of permits of one epoch since the last report. Times in seconds. */
export interface PaceReport {
  readonly epoch: number
  readonly answered: number
  readonly refused: number
  readonly otherwise: number
  /** 5xx, timeouts, no connection; `fresh` of them were their request's first failure. */
  readonly failed: number
  readonly fresh: number
  /** Permits given back. */
  readonly unsent: number
  /** Longest Retry-After; −1 when there was none. */
  readonly retryAfter: number
  /** How long the slowest 429 took. */
  readonly slowestRefusal: number
  /** The limit that headers told, calls per second; 0 none. */
  readonly hint: number
}

export interface PaceAsk {
  readonly want: number
  readonly report: PaceReport | null
  readonly now: number
  /** Calls per second that are never exceeded. */
  readonly ceiling: number
  /** Permits are handed out for so long ahead, s: longer where Redis is far away. */
  readonly horizon: number
}

/** Permits for the next moments: the first in `firstIn` seconds, then `rate` per second. */
export interface PaceLease {
  readonly permits: number
  readonly firstIn: number
  readonly rate: number
  /** Seconds until asking again is of use. */
  readonly wait: number
}
