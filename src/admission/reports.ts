import type { Lease, LeaseReport } from './lease.js'

/** `answered`: a success. `refused`: a 429 for the pace. `otherwise`: anything else, never sent included. */
export type CallResult =
  | { readonly kind: 'answered' }
  | { readonly kind: 'refused'; readonly retryAfterMs: number | null }
  | { readonly kind: 'otherwise' }

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
    otherwise: result.kind === 'otherwise' ? 1 : 0,
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
