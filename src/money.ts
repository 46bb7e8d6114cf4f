/** Below this a dollar's second decimal tells nothing. */
const SMALL_CENTS = 9.5

/** Cents as dollars: `$12.40`; what is below ten cents with two digits that count: `$0.0034`. */
export function inDollars(cents: number): string {
  const dollars = cents / 100
  const isSmall = cents > 0 && cents < SMALL_CENTS
  const text = isSmall
    ? dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumSignificantDigits: 2 })
    : dollars.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  return `$${text}`
}
