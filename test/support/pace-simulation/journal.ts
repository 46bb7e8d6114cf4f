import type { Reply } from './upstream.js'

/** What happened in a simulation. Times in seconds from its start. */
export interface Journal {
  sent(at: number): void
  /** A call of ours, or of another client of the key, was counted against the limit. */
  arrived(at: number, isAdmitted: boolean, isOurs: boolean): void
  ended(at: number, kind: Reply['kind']): void
  readonly answered: number
  readonly lastAnswerAt: number
  /** When so many calls were in flight for the first time; never: infinity. */
  inFlightAt(calls: number): number
  /** Calls that were sent in a span, of all or of those that were refused. */
  sentBetween(from: number, to: number): number
  refusedBetween(from: number, to: number): number
  /** Calls that the limit let through in a span, those of others too. */
  admittedBetween(from: number, to: number): number
}

export function createJournal(): Journal {
  const sends: number[] = []
  const refusals: number[] = []
  const admissions: number[] = []
  const firstAt: number[] = []
  let inFlight = 0
  let answered = 0
  let lastAnswerAt = 0
  return {
    sent(at) {
      sends.push(at)
      inFlight++
      firstAt[inFlight] ??= at
    },
    arrived(at, isAdmitted, isOurs) {
      if (isAdmitted) admissions.push(at)
      else if (isOurs) refusals.push(at)
    },
    ended(at, kind) {
      inFlight--
      if (kind !== 'answered') return
      answered++
      lastAnswerAt = at
    },
    get answered() {
      return answered
    },
    get lastAnswerAt() {
      return lastAnswerAt
    },
    inFlightAt: (calls) => firstAt[calls] ?? Number.POSITIVE_INFINITY,
    sentBetween: (from, to) => countBetween(sends, from, to),
    refusedBetween: (from, to) => countBetween(refusals, from, to),
    admittedBetween: (from, to) => countBetween(admissions, from, to),
  }
}

function countBetween(times: readonly number[], from: number, to: number): number {
  let count = 0
  for (const at of times) if (at >= from && at < to) count++
  return count
}
