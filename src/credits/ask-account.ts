import type { BillingCall, BillingClient, LedgerEntry } from '../conduit/billing.js'
import { MAX_LEDGER_LIMIT } from '../conduit/billing.js'
import type { Failure } from '../conduit/outcome.js'
import type { AccountLook, Seen } from './topped-up.js'

/** What the account told, and the first failure where a part of it did not. */
export interface AccountAnswer extends AccountLook {
  readonly failure: Failure | null
}

/** 1,000 entries between two looks, while the account is empty: more than that the balance tells of. */
const MOST_PAGES = 10

/** Conduit: Usage, "type". */
const PURCHASE = 'CREDIT_PURCHASE'

/**
 * Asks for the balance, and the ledger behind it: whatever made the balance rise is in the ledger then.
 * @param seen since the hold; null: nothing holds, so nobody need read the ledger
 * @param call `timeoutMs` is for all of it
 * @throws CallAborted
 */
export async function askAccount(
  billing: BillingClient,
  seen: Seen | null,
  { timeoutMs, ...call }: BillingCall,
): Promise<AccountAnswer> {
  const until = performance.now() + timeoutMs
  const left = () => ({ ...call, timeoutMs: Math.max(1, until - performance.now()) })
  const balance = await billing.balance(left())
  const ledger = seen === null ? null : await readLedger(billing, seen.newestMs ?? seen.since, left)
  const failed = [balance, ledger].find((part) => part?.kind === 'unavailable')
  return {
    balanceCents: balance.kind === 'balance' ? balance.balanceInCents : null,
    ledger: ledger?.kind === 'ledger' ? summaryOf(ledger.entries) : null,
    failure: failed?.kind === 'unavailable' ? failed.failure : null,
  }
}

/** Page by page, the newest first, back to a time or for so many pages. */
async function readLedger(billing: BillingClient, backToMs: number, left: () => BillingCall) {
  const all: LedgerEntry[] = []
  for (let page = 0; page < MOST_PAGES; page++) {
    const part = await billing.ledger({ ...left(), limit: MAX_LEDGER_LIMIT, offset: page * MAX_LEDGER_LIMIT })
    if (part.kind === 'unavailable') return part
    all.push(...part.entries)
    if (part.entries.length === 0 || part.entries.some(({ createdAtMs }) => createdAtMs < backToMs)) break
  }
  return { kind: 'ledger' as const, entries: all }
}

function summaryOf(entries: readonly LedgerEntry[]): AccountLook['ledger'] {
  return {
    purchases: entries.filter(({ type }) => type === PURCHASE),
    newestMs: entries.reduce<number | null>(
      (newest, { createdAtMs }) => Math.max(newest ?? createdAtMs, createdAtMs),
      null,
    ),
  }
}
