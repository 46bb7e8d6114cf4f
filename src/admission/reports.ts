import type { Lease, LeaseReport } from './lease.js'

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

/** What is to be told with the next round trip: one sum for each pair of epochs. */
export interface Reports {
  add(report: LeaseReport): void
  /** Gives all of them and is empty. */
  take(): LeaseReport[]
  readonly size: number
}

export function createReports(): Reports {
  let sums = new Map<string, LeaseReport>()
  return {
    add(report) {
      const key = `${report.gateEpoch}.${report.paceEpoch}`
      const sum = sums.get(key)
      sums.set(key, sum === undefined ? report : sumOf(sum, report))
    },
    take() {
      const all = [...sums.values()]
      sums = new Map()
      return all
    },
    get size() {
      return sums.size
    },
  }
}

/** The report on one call that went out (or did not) on a lease. */
export function reportOf({ gateEpoch, paceEpoch }: Lease, result: CallResult): LeaseReport {
  return {
    gateEpoch,
    paceEpoch,
    answered: result.kind === 'answered' ? 1 : 0,
    refused: result.kind === 'refused' ? 1 : 0,
    otherwise: result.kind === 'answered' || result.kind === 'refused' ? 0 : 1,
    retryAfterMs: result.kind === 'refused' ? result.retryAfterMs : null,
  }
}

function sumOf(one: LeaseReport, other: LeaseReport): LeaseReport {
  const retryAfterMs = Math.max(one.retryAfterMs ?? -1, other.retryAfterMs ?? -1)
  return {
    ...one,
    answered: one.answered + other.answered,
    refused: one.refused + other.refused,
    otherwise: one.otherwise + other.otherwise,
    retryAfterMs: retryAfterMs < 0 ? null : retryAfterMs,
  }
}
