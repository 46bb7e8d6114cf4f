/** What a batch has cost, and what still runs of it. Money in cents. */
export interface Spending {
  readonly maxCents: number
  /** Of its answers so far; null: nobody can tell. */
  readonly costCents: number | null
  readonly answers: number
  /** Requests that were fed and have not ended. */
  readonly open: number
  /** What earlier answers of the queue cost on average, until the batch has some; null: nobody knows. */
  readonly earlierMeanCents: number | null
}

/**
 * What may be fed: so many `more` now; nothing any more, since what is left does not pay for another request; or nothing
 * as long as nobody knows what answers cost.
 */
export type CostRoom =
  | { readonly kind: 'more'; readonly more: number }
  | { readonly kind: 'used_up' }
  | { readonly kind: 'unknown' }

/** Fed when nothing is known of what answers cost. */
const FIRST_HANDFUL = 5
/** From so many answers on their mean is believed; until then no more are out at once, nor are fed while nothing is learned. */
const EVIDENCE = 20
/** Sums of cents have rounding errors. */
const EPSILON = 1e-9

/**
 * How much of a batch a budget still pays for. Half as many are out as would fit, so what they cost beyond the mean is
 * found out while there is room for it; at the end one at a time. So the budget is exceeded by no more than one request,
 * unless those that are out cost twice what the others did.
 */
export function costRoom({ maxCents, costCents, answers, open, earlierMeanCents }: Spending): CostRoom {
  if (costCents === null) {
    return answers + open < EVIDENCE ? { kind: 'more', more: EVIDENCE - answers - open } : { kind: 'unknown' }
  }
  const mean = answers > 0 ? costCents / answers : earlierMeanCents
  if (mean === null) return { kind: 'more', more: Math.max(0, FIRST_HANDFUL - open) }
  const left = maxCents - costCents
  if (left <= EPSILON) return { kind: 'used_up' }
  const fits = mean === 0 ? Number.POSITIVE_INFINITY : Math.floor(left / mean + EPSILON)
  if (fits === 0) return { kind: 'used_up' }
  const most = answers >= EVIDENCE ? Number.POSITIVE_INFINITY : EVIDENCE
  const out = Math.min(most, Math.max(1, Math.floor(fits / 2)))
  return { kind: 'more', more: Math.max(0, out - open) }
}
