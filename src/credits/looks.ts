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
  /** Calls that were out: some of them may be paid for already. */
  readonly inFlight: number
}

/**
 * One look at the account. All but `at` and `balanceCents` are running sums over the intervals in which the balance did
 * not rise, so that the difference between any two looks tells what was spent between them, and on what.
 */
export interface Look extends Totals {
  readonly at: number
  readonly balanceCents: number
  readonly spentCents: number
  /** How long those intervals were. */
  readonly ms: number
  /** By how many more calls were out at their ends than at their beginnings. */
  readonly inFlight: number
}

/** The looks of a queue, oldest first, never empty, and what the last one saw. */
export interface Book {
  readonly looks: readonly Look[]
  readonly last: Pick<Seen, 'totals' | 'inFlight'>
}

const MOST_LOOKS = 128
/** What was spent a week ago says little about now. */
const KEPT_MS = 7 * 24 * 3600 * 1000

/**
 * Adds a look. An interval in which the balance rose (a purchase) is taken out, and so is one in which totals fell (a
 * Redis that lost what it knew): what was spent in it can't be told. While nothing happens only the newest look is kept,
 * and of old ones ever fewer.
 */
export function addLook(book: Book | null, seen: Seen): Book {
  const { at, balanceCents, totals, inFlight } = seen
  const last = { totals, inFlight }
  const before = book?.looks.at(-1)
  if (book === null || before === undefined) return { looks: [firstLook(seen)], last }
  const isTold =
    balanceCents <= before.balanceCents && at >= before.at && !hasFallen(book.last.totals, totals)
  const grown = (name: keyof Totals) => before[name] + (isTold ? totals[name] - book.last.totals[name] : 0)
  const look: Look = {
    at,
    balanceCents,
    spentCents: before.spentCents + (isTold ? before.balanceCents - balanceCents : 0),
    ms: before.ms + (isTold ? at - before.at : 0),
    inFlight: before.inFlight + (isTold ? inFlight - book.last.inFlight : 0),
    answers: grown('answers'),
    chars: grown('chars'),
    promptTokens: grown('promptTokens'),
    completionTokens: grown('completionTokens'),
  }
  const older = isIdle(book.looks.at(-2), before, look) ? book.looks.slice(0, -1) : book.looks
  return { looks: thinned([...older, look].filter((one) => at - one.at <= KEPT_MS)), last }
}

function firstLook({ at, balanceCents }: Seen): Look {
  const none = { answers: 0, chars: 0, promptTokens: 0, completionTokens: 0 }
  return { at, balanceCents, spentCents: 0, ms: 0, inFlight: 0, ...none }
}

function hasFallen(before: Totals, now: Totals): boolean {
  return now.answers < before.answers || now.promptTokens < before.promptTokens || now.chars < before.chars
}

/** Nothing was answered or spent since the look before the last. */
function isIdle(first: Look | undefined, second: Look, third: Look): boolean {
  const isSame = (a: Look, b: Look) =>
    a.spentCents === b.spentCents && a.answers === b.answers && a.inFlight === b.inFlight
  return first !== undefined && isSame(first, second) && isSame(second, third)
}

/** Every second one of the older half goes when there are too many: the sums lose nothing by that. */
function thinned(looks: readonly Look[]): readonly Look[] {
  if (looks.length <= MOST_LOOKS) return looks
  return looks.filter((_, index) => index >= MOST_LOOKS / 2 || index % 2 === 0)
}
