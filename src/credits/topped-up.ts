/** A purchase of credits, as the ledger has it. Times are Unix milliseconds. */
export interface Purchase {
  readonly id: string
  readonly createdAtMs: number
}

/** What one look at the account told; null: that part of it did not answer. */
export interface AccountLook {
  readonly balanceCents: number | null
  readonly ledger: { readonly purchases: readonly Purchase[]; readonly newestMs: number | null } | null
}

/** What was seen of an account since a hold for credits was placed. */
export interface Seen {
  /** Which hold: when it was placed, by Redis's clock. */
  readonly since: number
  readonly lowestCents: number | null
  /** The ledger has answered since. */
  readonly ledgerSeen: boolean
  /** Time of the newest entry of the ledger: what comes later is newer. */
  readonly newestMs: number | null
  /** Purchases that have lifted a hold, or were made before one; the newest last. */
  readonly known: readonly string[]
}

/** Conduit's clock and Redis's may differ by so much. */
const CLOCKS_DIFFER_MS = 10 * 60_000
const MOST_KNOWN = 200

/** What is known of an account when a hold begins: purchases that lifted an earlier one lift no other. */
export function seenAtHold(since: number, before: Seen | null): Seen {
  if (before?.since === since) return before
  return { since, lowestCents: null, ledgerSeen: false, newestMs: null, known: before?.known ?? [] }
}

/**
 * Whether somebody has topped up since the hold was placed: a purchase that was made after it, or a balance above the
 * lowest that was seen since. What was left in the account is neither. A purchase that the first look at the ledger
 * finds must be newer than the hold; one that comes later need not be, for clocks differ. A balance that is known to
 * be used up is never enough.
 */
export function topUpOf(
  seen: Seen,
  { balanceCents, ledger }: AccountLook,
): { toppedUp: boolean; seen: Seen } {
  const after = seen.ledgerSeen ? seen.since - CLOCKS_DIFFER_MS : seen.since
  const unknown = (ledger?.purchases ?? []).filter(({ id }) => !seen.known.includes(id))
  const bought = unknown.some(({ createdAtMs }) => createdAtMs > after)
  const lowest = seen.lowestCents ?? balanceCents
  const risen = balanceCents !== null && lowest !== null && balanceCents > lowest
  const empty = balanceCents !== null && balanceCents <= 0
  return {
    toppedUp: (bought || risen) && !empty,
    seen: {
      since: seen.since,
      lowestCents: balanceCents === null || lowest === null ? lowest : Math.min(lowest, balanceCents),
      ledgerSeen: seen.ledgerSeen || ledger !== null,
      newestMs: ledger?.newestMs ?? seen.newestMs,
      known: [...seen.known, ...unknown.map(({ id }) => id).reverse()].slice(-MOST_KNOWN),
    },
  }
}
