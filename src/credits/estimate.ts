import { priceFrom } from './price.js'
import type { Book, Sighting, Totals } from './sightings.js'

/** The requests that are still to be answered. */
export interface Ahead {
  readonly requests: number
  /** Characters of their prompts, on average; null: nobody knows. */
  readonly charsPerRequest: number | null
}

/** What the account pays for, as far as balances and answers have told. Money in cents. */
export interface Estimate {
  /** As it was seen at `seenAt` (Unix ms, Redis's clock); Conduit tells whole cents. */
  readonly balanceCents: number
  readonly seenAt: number
  readonly centsPerRequest: number
  /** Of prompts and answers together; null when no tokens were counted. */
  readonly centsPerToken: number | null
  /** What is spent at the pace of the last minutes; 0 while nothing is answered. */
  readonly centsPerMinute: number
  /** What the requests ahead will take. */
  readonly costToFinishCents: number
  /** How much of that the balance lacks; 0: it suffices. */
  readonly shortByCents: number
  /** How long the balance lasts at this pace; null while nothing is spent. */
  readonly lastsMs: number | null
}

/** The pace is that of so many minutes. */
const PACE_MS = 5 * 60_000
const MINUTE_MS = 60_000

/**
 * What balances tell about the requests ahead; null without enough evidence (`priceFrom`). Others who spend from the same
 * account make requests look dearer than they are.
 * @param totals what has been answered by now: what was answered since the last look is taken off its balance
 */
export function estimate(book: Book, ahead: Ahead, totals: Totals = book.last.totals): Estimate | null {
  const price = priceFrom(book)
  const newest = book.sightings.at(-1)
  if (price === null || newest === undefined) return null
  const { centsPerRequest, centsPerToken } = price
  const since = Math.max(0, totals.answers - book.last.totals.answers)
  const left = Math.max(0, newest.balanceCents - since * centsPerRequest)
  const cost = ahead.requests * price.centsPerRequestOf(ahead.charsPerRequest)
  const centsPerMinute = answersPerMinute(book.sightings, newest) * centsPerRequest
  return {
    balanceCents: newest.balanceCents,
    seenAt: newest.at,
    centsPerRequest: digits(centsPerRequest),
    centsPerToken: centsPerToken === null ? null : digits(centsPerToken),
    centsPerMinute: digits(centsPerMinute),
    costToFinishCents: digits(cost),
    shortByCents: digits(Math.max(0, cost - left)),
    lastsMs: centsPerMinute > 0 ? Math.round((left / centsPerMinute) * MINUTE_MS) : null,
  }
}

function answersPerMinute(sightings: readonly Sighting[], newest: Sighting): number {
  const first = sightings.find(({ at }) => newest.at - at <= PACE_MS)
  const ms = first === undefined ? 0 : newest.ms - first.ms
  return ms <= 0 ? 0 : ((newest.answers - (first as Sighting).answers) * MINUTE_MS) / ms
}

/** As many digits as an estimate is worth, and a few more. */
function digits(number: number): number {
  return Number(number.toPrecision(6))
}
