import type { Book, Sighting } from './sightings.js'

/** What answers cost, learned from sightings. Money in cents. */
export interface Price {
  readonly centsPerRequest: number
  /** Of prompts and answers together; null when no tokens were counted. */
  readonly centsPerToken: number | null
  /** The same for requests whose prompts have so many characters on average; null: like those that were answered. */
  centsPerRequestOf(chars: number | null): number
}

const ENOUGH_ANSWERS = 20
/** Balances are whole cents: after so many one of them more or less is 5 %. */
const ENOUGH_CENTS = 20
/** So large a part of what is left is enough too, though it is less; but not a cent or two. */
const ENOUGH_SHARE = 0.1
const LEAST_CENTS = 5
/** What is known well enough of the recent past is not mixed with what was before. */
const PLENTY = { cents: 400, answers: 1000, ms: 2 * 60_000 } as const
/** Whether calls that are out are paid for can't be told, so as many have to be out at both ends, within this share. */
const STEADY_SHARE = 0.05
/** And there have to be so many times more answers than these. */
const OUT_TIMES = 10
/** A moment passes between a balance and the count of answers beside it: that must be short against the whole. */
const LEAST_MS = 3000
/** So many intervals tell whether requests or tokens are what is paid for. */
const TELLING_INTERVALS = 6
const CLEARLY = 0.5

/** What was spent between two sightings, and on what. */
type Span = Omit<Sighting, 'at' | 'balanceCents' | 'starting'>

/**
 * What answers cost of late; null without enough evidence: 20 answers, and 20 cents (or a tenth of the balance), between
 * two sightings at which about as many calls were out.
 */
export function priceFrom(book: Book): Price | null {
  const sightings = book.sightings.filter(({ starting }) => !starting)
  const first = windowStart(sightings, book.last)
  const newest = sightings.at(-1)
  if (first === null || newest === undefined) return null
  const span = between(sightings[first] as Sighting, newest)
  const centsPerRequest = span.spentCents / paidFor(span)
  const tokens = tokensIn(span)
  const isByTokens = tokens > 0 && span.chars > 0 && !isByRequests(sightings.slice(first), span)
  return {
    centsPerRequest,
    centsPerToken: tokens > 0 ? (centsPerRequest * span.answers) / tokens : null,
    centsPerRequestOf(chars) {
      if (!isByTokens || chars === null) return centsPerRequest
      const tokensOfOne = (span.promptTokens * chars) / span.chars + span.completionTokens / span.answers
      return (tokensOfOne * centsPerRequest * span.answers) / tokens
    },
  }
}

/** The look with which the evidence begins: a recent one that is enough, or the oldest there is. */
function windowStart(sightings: readonly Sighting[], last: Book['last']): number | null {
  const newest = sightings.at(-1)
  let start: number | null = null
  for (let index = sightings.length - 2; newest !== undefined && index >= 0; index--) {
    const span = between(sightings[index] as Sighting, newest)
    if (!isEvidence(span, newest.balanceCents, last)) continue
    start = index
    if (span.spentCents >= PLENTY.cents && span.answers >= PLENTY.answers && span.ms >= PLENTY.ms) break
  }
  return start
}

function isEvidence(span: Span, balanceCents: number, last: Book['last']): boolean {
  const { answers, spentCents, ms } = span
  const least = Math.max(LEAST_CENTS, Math.min(ENOUGH_CENTS, ENOUGH_SHARE * balanceCents))
  if (answers < ENOUGH_ANSWERS || spentCents < least || ms < LEAST_MS) return false
  const out = Math.max(last.inFlight, last.inHand)
  const change = Math.max(Math.abs(span.inFlight), Math.abs(span.inHand))
  return change <= STEADY_SHARE * answers && OUT_TIMES * out <= answers
}

function between(a: Sighting, b: Sighting): Span {
  return {
    ms: b.ms - a.ms,
    spentCents: b.spentCents - a.spentCents,
    inFlight: b.inFlight - a.inFlight,
    inHand: b.inHand - a.inHand,
    answers: b.answers - a.answers,
    chars: b.chars - a.chars,
    promptTokens: b.promptTokens - a.promptTokens,
    completionTokens: b.completionTokens - a.completionTokens,
  }
}

/** Requests that were paid for. Of those that went out since, nobody knows: half. */
function paidFor({ answers, inFlight }: Span): number {
  return answers + inFlight / 2
}

function tokensIn({ promptTokens, completionTokens }: Span): number {
  return promptTokens + completionTokens
}

/** Models are paid for by tokens; unless what was spent follows the number of requests clearly better. */
function isByRequests(sightings: readonly Sighting[], whole: Span): boolean {
  if (sightings.length <= TELLING_INTERVALS) return false
  const perAnswer = whole.spentCents / paidFor(whole)
  const tokensOfOne = tokensIn(whole) / whole.answers
  let [byRequests, byTokens] = [0, 0]
  for (let index = 1; index < sightings.length; index++) {
    const part = between(sightings[index - 1] as Sighting, sightings[index] as Sighting)
    const tokens = tokensIn(part) + (part.inFlight / 2) * tokensOfOne
    byRequests += (part.spentCents - paidFor(part) * perAnswer) ** 2
    byTokens += (part.spentCents - (tokens / tokensOfOne) * perAnswer) ** 2
  }
  return byRequests < CLEARLY * byTokens
}
