/** One line of `GET /api/billing/ledger` (Conduit: Usage). Debits are negative. */
export interface LedgerEntry {
  readonly id: string
  readonly type: 'USAGE_DEBIT' | 'CREDIT_PURCHASE'
  readonly amountInCents: number
  readonly balanceAfterInCents: number
  readonly metadata: { readonly model?: string; readonly tokens?: number }
  readonly createdAt: string
}

/** An entry before it is read: the time stays a number, because most entries are never read. */
type StoredEntry = Omit<LedgerEntry, 'id' | 'createdAt'> & {
  readonly number: number
  readonly createdAtMs: number
}

export interface Ledger {
  add(entry: Omit<StoredEntry, 'number'>): void
  /** The newest entries first, `offset` of them left out. */
  page(limit: number, offset: number): LedgerEntry[]
}

/** Older entries are forgotten, so that a long run of the simulator stays small. */
const KEPT_ENTRIES = 20_000

/** The account's ledger. */
export function createLedger(): Ledger {
  let entries: StoredEntry[] = []
  let written = 0
  return {
    add(entry) {
      written += 1
      entries.push({ ...entry, number: written })
      if (entries.length > 2 * KEPT_ENTRIES) entries = entries.slice(-KEPT_ENTRIES)
    },
    page(limit, offset) {
      const end = Math.max(0, entries.length - offset)
      return entries
        .slice(Math.max(0, end - limit), end)
        .reverse()
        .map(readable)
    },
  }
}

function readable({ number, createdAtMs, ...entry }: StoredEntry): LedgerEntry {
  return { id: `led_${number}`, ...entry, createdAt: new Date(createdAtMs).toISOString() }
}
