import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AccountLook, type Seen, seenAtHold, topUpOf } from '../../src/credits/topped-up.js'

const HELD_AT = 1_800_000_000_000
const MINUTE = 60_000

/** What each look at the account decides, of one hold. */
function decisions(looks: readonly AccountLook[], before: Seen | null = null): boolean[] {
  let seen = seenAtHold(HELD_AT, before)
  return looks.map((look) => {
    const decided = topUpOf(seen, look)
    seen = decided.seen
    return decided.toppedUp
  })
}

const balance = (cents: number | null): AccountLook => ({ balanceCents: cents, ledger: null })
const ledger = (...ages: (readonly [id: string, minutesAfterHold: number])[]): AccountLook => ({
  balanceCents: null,
  ledger: {
    purchases: ages.map(([id, minutes]) => ({ id, createdAtMs: HELD_AT + minutes * MINUTE })),
    newestMs: HELD_AT,
  },
})

describe('a balance', () => {
  it('that stays or falls is none: leftover cents, and calls that are charged late', () => {
    expect(decisions([7, 7, 5, 5, 5].map(balance))).toEqual([false, false, false, false, false])
  })
  it('above the lowest since the hold is a top-up', () => {
    expect(decisions([7, 3, 4].map(balance))).toEqual([false, false, true])
  })
  it('that could not be read in between changes nothing', () => {
    expect(decisions([7, null, 7, null, 8].map(balance))).toEqual([false, false, false, false, true])
  })
  it('that rises and is still used up is not enough; once it is above zero, it is', () => {
    expect(decisions([-500, -200, 0, 100].map(balance))).toEqual([false, false, false, true])
  })
  it('never lifts while it does not rise, whatever it was before', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -100, max: 1000 }), { minLength: 1 }), (cents) => {
        const falling = [...cents].sort((a, b) => b - a)
        expect(decisions(falling.map(balance))).not.toContain(true)
      }),
    )
  })
})

describe('a purchase', () => {
  it('that the first look finds counts only when it is newer than the hold', () => {
    expect(decisions([ledger(['a', -1])])).toEqual([false])
    expect(decisions([ledger(['a', 1])])).toEqual([true])
  })
  it('that comes later counts, though the clocks differ', () => {
    expect(decisions([ledger(), ledger(['a', -5])])).toEqual([false, true])
  })
  it('of long ago is none, even when the ledger was empty before', () => {
    expect(decisions([ledger(), ledger(['a', -60])])).toEqual([false, false])
  })
  it('lifts once, also when another hold follows and the clocks differ', () => {
    const { toppedUp, seen } = topUpOf(seenAtHold(HELD_AT, null), ledger(['a', 5]))
    expect(toppedUp).toBe(true)
    const next = seenAtHold(HELD_AT + MINUTE, seen)
    expect(next).toMatchObject({ lowestCents: null, ledgerSeen: false })
    expect(topUpOf(next, ledger(['a', 5])).toppedUp).toBe(false)
    expect(topUpOf(next, ledger(['b', 6], ['a', 5])).toppedUp).toBe(true)
  })
  it('does not help while the balance is known to be used up; what is bought in addition does', () => {
    const bought = { ...ledger(['a', 1]), balanceCents: -40 }
    expect(decisions([bought, balance(60)])).toEqual([false, true])
  })
})
