/** The balance, for requests that were refused: asking is free, but many ask at once. */
export interface BalanceLook {
  /** In cents; null when billing does not tell. */
  ask(): Promise<number | null>
  /** Billing answered when it was last asked, or was not asked yet. */
  readonly isKnown: boolean
}

const FRESH_MS = 1000
/** A billing API that is away or slow is not waited for each time. */
const AWAY_MS = 30_000

/**
 * @param look one question; null: no answer of use
 * @param nowMs a clock that nobody sets
 */
export function createBalanceLook(
  look: () => Promise<number | null>,
  nowMs: () => number = () => performance.now(),
): BalanceLook {
  let last: { readonly answer: Promise<number | null>; until: number } | null = null
  let isKnown = true
  return {
    ask() {
      if (last !== null && nowMs() < last.until) return last.answer
      const asked = { answer: look(), until: Number.POSITIVE_INFINITY }
      last = asked
      void asked.answer.then((cents) => {
        isKnown = cents !== null
        asked.until = nowMs() + (isKnown ? FRESH_MS : AWAY_MS)
      })
      return asked.answer
    },
    get isKnown() {
      return isKnown
    },
  }
}

/** No billing is asked. */
export const NO_BALANCE: BalanceLook = { ask: () => Promise.resolve(null), isKnown: false }
