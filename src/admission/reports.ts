import type { Lease } from './lease.js'

/** What Conduit's `x-ratelimit-*` headers say of the key's limit. */
export interface LimitHint {
  readonly requestsPerMinute: number
  /** Requests left before the reset; null when not told. */
  readonly remaining: number | null
  /** Until the limit starts anew; null when not told. */
  readonly resetInMs: number | null
}

/**
 * What came of a permit. `answered`: a success. `refused`: a 429 for the pace. `failed`: a 5xx, a timeout, no
 * connection; `fresh` when it is the first failure of its request. `otherwise`: Conduit answered something else.
 * `unsent`: no call was made.
 */
export type CallResult =
  | { readonly kind: 'answered'; readonly limit?: LimitHint }
  | { readonly kind: 'refused'; readonly retryAfterMs: number | null; readonly limit?: LimitHint }
  | { readonly kind: 'failed'; readonly fresh: boolean }
  | { readonly kind: 'otherwise'; readonly limit?: LimitHint }
  | { readonly kind: 'unsent' }

/** What came of calls since the last lease, for one pair of epochs. */
export interface LeaseReport {
  readonly gateEpoch: number
  readonly paceEpoch: number
  readonly answered: number
  readonly refused: number
  readonly otherwise: number
  readonly failed: number
  /** Of those that failed, first failures of their requests. */
  readonly fresh: number
  readonly unsent: number
  /** Longest Retry-After of the refusals, null when none carried one. */
  readonly retryAfterMs: number | null
  /** How long the slowest refusal took to come back. */
  readonly slowestRefusalMs: number
  /** The limit that headers told last, per minute; 0 when they told none. */
  readonly limitPerMinute: number
}

/** What is to be told with the next round trip: one sum for each pair of epochs. */
export interface Reports {
  /** @param tookMs from the permit to what came of it */
  add(lease: Lease, result: CallResult, tookMs: number): void
  /** Gives all of them and is empty. */
  take(): LeaseReport[]
  /** What could not be told goes back. */
  giveBack(reports: readonly LeaseReport[]): void
  readonly size: number
}

export function createReports(): Reports {
  let sums = new Map<string, LeaseReport>()

  function addUp(report: LeaseReport): void {
    const key = `${report.gateEpoch}.${report.paceEpoch}`
    const sum = sums.get(key)
    sums.set(key, sum === undefined ? report : sumOf(sum, report))
  }

  return {
    add: (lease, result, tookMs) => addUp(reportOf(lease, result, tookMs)),
    take() {
      const all = [...sums.values()]
      sums = new Map()
      return all
    },
    giveBack(reports) {
      for (const report of reports) addUp(report)
    },
    get size() {
      return sums.size
    },
  }
}

/** The report on one call that went out (or did not) on a lease. */
function reportOf({ gateEpoch, paceEpoch }: Lease, result: CallResult, tookMs: number): LeaseReport {
  const refused = result.kind === 'refused'
  const failed = result.kind === 'failed'
  return {
    gateEpoch,
    paceEpoch,
    answered: result.kind === 'answered' ? 1 : 0,
    refused: refused ? 1 : 0,
    otherwise: result.kind === 'otherwise' ? 1 : 0,
    failed: failed ? 1 : 0,
    fresh: failed && result.fresh ? 1 : 0,
    unsent: result.kind === 'unsent' ? 1 : 0,
    retryAfterMs: refused ? result.retryAfterMs : null,
    slowestRefusalMs: refused ? tookMs : 0,
    limitPerMinute: ('limit' in result && result.limit?.requestsPerMinute) || 0,
  }
}

function sumOf(one: LeaseReport, other: LeaseReport): LeaseReport {
  const retryAfterMs = Math.max(one.retryAfterMs ?? -1, other.retryAfterMs ?? -1)
  return {
    ...one,
    answered: one.answered + other.answered,
    refused: one.refused + other.refused,
    otherwise: one.otherwise + other.otherwise,
    failed: one.failed + other.failed,
    fresh: one.fresh + other.fresh,
    unsent: one.unsent + other.unsent,
    retryAfterMs: retryAfterMs < 0 ? null : retryAfterMs,
    slowestRefusalMs: Math.max(one.slowestRefusalMs, other.slowestRefusalMs),
    limitPerMinute: other.limitPerMinute || one.limitPerMinute,
  }
}
