import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CostRoom, costRoom, type Spending } from '../../src/credits/cost-room.js'

const spending = (over: Partial<Spending> = {}): Spending => ({
  maxCents: 100,
  costCents: 0,
  answers: 0,
  open: 0,
  earlierMeanCents: null,
  ...over,
})
const moreOf = (room: CostRoom) => (room.kind === 'more' ? room.more : 0)

describe('what a budget of money still pays for', () => {
  it('is a handful while nothing is known, and little until there were 20 answers', () => {
    expect(costRoom(spending())).toEqual({ kind: 'more', more: 5 })
    expect(costRoom(spending({ open: 5 }))).toEqual({ kind: 'more', more: 0 })
    expect(costRoom(spending({ earlierMeanCents: 0.1 }))).toEqual({ kind: 'more', more: 20 })
    expect(costRoom(spending({ answers: 5, costCents: 0.5 }))).toEqual({ kind: 'more', more: 20 })
    expect(costRoom(spending({ answers: 20, costCents: 2 }))).toEqual({ kind: 'more', more: 490 })
  })

  it('is used up when one more request does not fit', () => {
    expect(costRoom(spending({ answers: 33, costCents: 99 }))).toEqual({ kind: 'used_up' })
    expect(costRoom(spending({ answers: 99, costCents: 99 }))).toEqual({ kind: 'more', more: 1 })
    expect(costRoom(spending({ answers: 10, costCents: 101 }))).toEqual({ kind: 'used_up' })
    expect(costRoom(spending({ maxCents: 1, earlierMeanCents: 2 }))).toEqual({ kind: 'used_up' })
  })

  it('is unknown when nobody can tell what 20 answers cost', () => {
    expect(costRoom(spending({ costCents: null, answers: 3, open: 10 }))).toEqual({ kind: 'more', more: 7 })
    expect(costRoom(spending({ costCents: null, answers: 15, open: 5 }))).toEqual({ kind: 'unknown' })
  })

  it('is exceeded by no more than one request, however requests come out that cost up to twice the mean', () => {
    const costs = fc.array(fc.double({ min: 0.67, max: 1.33, noNaN: true }), {
      minLength: 300,
      maxLength: 300,
    })
    fc.assert(
      fc.property(costs, fc.integer({ min: 5, max: 250 }), fc.nat(), (each, maxCents, seed) => {
        const { spent, last } = spend(each, maxCents, seed)
        expect(spent).toBeLessThanOrEqual(maxCents + last)
        // Nor is much left unused.
        expect(spent).toBeGreaterThan(maxCents - 3)
      }),
    )
  })
})

/** Calls what may be fed, ending them in portions, until the budget is used up. */
function spend(each: readonly number[], maxCents: number, seed: number) {
  let [fed, answers, spent, last] = [0, 0, 0, 0]
  for (let turn = seed; ; turn++) {
    const open = fed - answers
    const room = costRoom(spending({ maxCents, costCents: spent, answers, open }))
    if (room.kind !== 'more' && open === 0) return { spent, last }
    fed = Math.min(each.length, fed + moreOf(room))
    for (let ends = 1 + (turn % 7); ends > 0 && answers < fed; ends--) {
      last = each[answers++] ?? 0
      spent += last
    }
    if (answers === each.length) return { spent: maxCents, last }
  }
}
