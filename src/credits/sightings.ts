/** What answers took so far, of the whole queue: `used:…` in `keys.usage`, summed over models. They only grow. */
export interface Totals {
  readonly answers: number
  /** Characters of the prompts. */
  readonly chars: number
  readonly promptTokens: number
  readonly completionTokens: number
}

/** The account as it was seen, and what had been answered by then. */
export interface Seen {
  /** Unix ms, Redis's clock. */
  readonly at: number
  readonly balanceCents: number
  readonly totals: Totals
  /** Calls that were out, as workers told up to half a second before: some of them may be paid for already. */
  readonly inFlight: number
  /** Jobs that workers had: those calls, and a few that waited for a permit; but as of now. */
  readonly inHand: number
}

/**
 * One look at the account. All but `at` and `balanceCents` are running sums over the intervals in which the balance did
 * not rise, so that the difference between any two sightings tells what was spent between them, and on what.
 */
export interface Sighting extends Totals {
  readonly at: number
  readonly balanceCents: number
  readonly spentCents: number
  /** How long those intervals were. */
  readonly ms: number
  /** By how many more calls were out, and jobs in hand, at their ends than at their beginnings. */
  readonly inFlight: number
  readonly inHand: number
  /** Calls had just begun to go out: what they cost and how many they are can't be told apart. */
  readonly starting: boolean
}

/** The sightings of a queue, oldest first, never empty, and what the last one saw. */
export interface Book {
  readonly sightings: readonly Sighting[]
  readonly last: Pick<Seen, 'totals' | 'inFlight' | 'inHand'> & {
    /** What had been answered when nothing was in hand the last time, or at the first look. */
    readonly answersAtRest: number
  }
}

/** Work has got going when so many times more is answered than is in hand. */
const GOING_TIMES = 2
const MOST_SIGHTINGS = 128
/** What was spent a week ago says little about now. */
const KEPT_MS = 7 * 24 * 3600 * 1000

/**
 * Adds a look. An interval in which the balance rose (a purchase) is taken out, and so is one in which totals fell (a
 * Redis that lost what it knew): what was spent in it can't be told. While nothing happens only the newest look is kept,
 * and of old ones ever fewer.
 */
export function addSighting(book: Book | null, seen: Seen): Book {
  const { at, balanceCents, totals, inFlight, inHand } = seen
  const isAtRest = book === null || inHand === 0 || totals.answers < book.last.answersAtRest
  const answersAtRest = isAtRest ? totals.answers : book.last.answersAtRest
  const starting = totals.answers - answersAtRest < GOING_TIMES * inHand
  const last = { totals, inFlight, inHand, answersAtRest }
  const before = book?.sightings.at(-1)
  if (book === null || before === undefined)
    return { sightings: [{ ...firstSighting(seen), starting }], last }
  const isTold =
    balanceCents <= before.balanceCents && at >= before.at && !hasFallen(book.last.totals, totals)
  const grown = (name: keyof Totals) => before[name] + (isTold ? totals[name] - book.last.totals[name] : 0)
  const newest: Sighting = {
    at,
    balanceCents,
    starting,
    spentCents: before.spentCents + (isTold ? before.balanceCents - balanceCents : 0),
    ms: before.ms + (isTold ? at - before.at : 0),
    inFlight: before.inFlight + (isTold ? inFlight - book.last.inFlight : 0),
    inHand: before.inHand + (isTold ? inHand - book.last.inHand : 0),
    answers: grown('answers'),
    chars: grown('chars'),
    promptTokens: grown('promptTokens'),
    completionTokens: grown('completionTokens'),
  }
  const older = isIdle(book.sightings.at(-2), before, newest) ? book.sightings.slice(0, -1) : book.sightings
  return { sightings: thinned([...older, newest].filter((one) => at - one.at <= KEPT_MS)), last }
}

function firstSighting({ at, balanceCents }: Seen): Omit<Sighting, 'starting'> {
  const none = { answers: 0, chars: 0, promptTokens: 0, completionTokens: 0 }
  return { at, balanceCents, spentCents: 0, ms: 0, inFlight: 0, inHand: 0, ...none }
}

function hasFallen(before: Totals, now: Totals): boolean {
  return now.answers < before.answers || now.promptTokens < before.promptTokens || now.chars < before.chars
}

/** Nothing was answered or spent since the look before the last. */
function isIdle(first: Sighting | undefined, second: Sighting, third: Sighting): boolean {
  const isSame = (a: Sighting, b: Sighting) =>
    a.spentCents === b.spentCents && a.answers === b.answers && a.inHand === b.inHand
  return first !== undefined && isSame(first, second) && isSame(second, third)
}

/** Every second one of the older half goes when there are too many: the sums lose nothing by that. */
function thinned(sightings: readonly Sighting[]): readonly Sighting[] {
  if (sightings.length <= MOST_SIGHTINGS) return sightings
  return sightings.filter((_, index) => index >= MOST_SIGHTINGS / 2 || index % 2 === 0)
}
