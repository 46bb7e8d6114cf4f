import { createLedger, type LedgerEntry } from './ledger.js'

/** The terms in force: what a call costs, what the key may spend, how many calls it may make a day. */
interface Terms {
  readonly costCents: number
  /** Beside that, for each token of the answer's usage. */
  readonly costPerTokenCents: number
  readonly spendingLimitCents: number | null
  readonly dailyQuota: number | null
}

type Charge =
  | { readonly kind: 'charged' }
  /** How many tokens the balance would pay; null where a call's cost does not depend on them. */
  | { readonly kind: 'insufficient_funds'; readonly affordableTokens: number | null }
  | { readonly kind: 'spending_limit' }
  | { readonly kind: 'daily_quota'; readonly resetsInMs: number }

/** What the answer to be paid for was: it goes into the ledger. */
interface Usage {
  readonly model: string
  readonly tokens: number
}

/** Tokens that the call may need: the balance has to cover them, though only those used are paid. */
interface Reserve {
  readonly tokens: number
}

export interface Account {
  /** Takes the cost of one call of `key`, or says what forbids it. Balance, spending and quota move together. */
  charge(key: string, terms: Terms, usage: Usage, nowMs: number, reserve?: Reserve): Charge
  topUp(amountCents: number, nowMs: number): void
  /** null: without an end. Writes no ledger entry. */
  setBalance(cents: number | null): void
  balanceCents(): number
  chargedCents(): number
  ledgerPage(limit: number, offset: number): LedgerEntry[]
}

/** What an account without an end shows as its balance. */
const ENDLESS_CENTS = 100_000_000
const DAY_MS = 86_400_000

interface KeyUse {
  spentCents: number
  day: number
  callsToday: number
}

/** The account behind every key. A `balanceCents` that is not null begins as a purchase in the ledger. */
export function createAccount(startCents: number | null, nowMs: number): Account {
  const ledger = createLedger()
  const uses = new Map<string, KeyUse>()
  let balance = startCents
  let charged = 0

  const write = (
    type: LedgerEntry['type'],
    amountInCents: number,
    metadata: LedgerEntry['metadata'],
    at: number,
  ) =>
    ledger.add({
      type,
      amountInCents,
      balanceAfterInCents: balance ?? ENDLESS_CENTS,
      metadata,
      createdAtMs: at,
    })

  if (startCents !== null && startCents > 0) write('CREDIT_PURCHASE', startCents, {}, nowMs)

  return {
    charge(key, terms, usage, atMs, reserve = usage) {
      const use = useOf(uses, key, atMs)
      const needed = costOf(terms, Math.max(usage.tokens, reserve.tokens))
      const refusal = refusalOf(use, terms, needed, balance, atMs)
      if (refusal !== null) return refusal
      const cost = costOf(terms, usage.tokens)
      use.callsToday += 1
      use.spentCents = rounded(use.spentCents + cost)
      charged = rounded(charged + cost)
      if (balance !== null) balance = rounded(balance - cost)
      write('USAGE_DEBIT', -cost, usage, atMs)
      return { kind: 'charged' }
    },
    topUp(amountCents, atMs) {
      if (balance !== null) balance = rounded(balance + amountCents)
      write('CREDIT_PURCHASE', amountCents, {}, atMs)
    },
    setBalance(cents) {
      balance = cents
    },
    balanceCents: () => balance ?? ENDLESS_CENTS,
    chargedCents: () => charged,
    ledgerPage: (limit, offset) => ledger.page(limit, offset),
  }
}

/** The first thing that forbids a call, the key's own limits before the account's; null when nothing does. */
function refusalOf(
  use: KeyUse,
  terms: Terms,
  needed: number,
  balance: number | null,
  nowMs: number,
): Charge | null {
  const { costCents, costPerTokenCents, spendingLimitCents, dailyQuota } = terms
  if (spendingLimitCents !== null && use.spentCents + needed > spendingLimitCents) {
    return { kind: 'spending_limit' }
  }
  if (dailyQuota !== null && use.callsToday >= dailyQuota) {
    return { kind: 'daily_quota', resetsInMs: DAY_MS - (nowMs % DAY_MS) }
  }
  if (balance === null || balance >= needed) return null
  const affordable = Math.max(0, Math.floor((balance - costCents) / costPerTokenCents))
  return { kind: 'insufficient_funds', affordableTokens: costPerTokenCents === 0 ? null : affordable }
}

function costOf({ costCents, costPerTokenCents }: Terms, tokens: number): number {
  return rounded(costCents + tokens * costPerTokenCents)
}

/** A key's use; the count of the day starts anew at midnight UTC (Conduit: Rate Limiting). */
function useOf(uses: Map<string, KeyUse>, key: string, nowMs: number): KeyUse {
  const day = Math.floor(nowMs / DAY_MS)
  let use = uses.get(key)
  if (use === undefined) {
    use = { spentCents: 0, day, callsToday: 0 }
    uses.set(key, use)
  }
  if (use.day !== day) {
    use.day = day
    use.callsToday = 0
  }
  return use
}

/** A call may cost a fraction of a cent: sums stay exact to a millionth. */
function rounded(cents: number): number {
  return Math.round(cents * 1e6) / 1e6
}
