import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Ahead, estimate } from '../../src/credits/estimate.js'
import { addSighting, type Book } from '../../src/credits/sightings.js'
import {
  type AccountWorld,
  type LookedAt,
  lookAt,
  type MadeUp,
  paidByTokens,
} from '../support/account-world.js'

const flat = (count: number, cents: number): MadeUp[] =>
  Array.from({ length: count }, () => ({ chars: 40, promptTokens: 10, completionTokens: 10, cents }))

function world(over: Partial<AccountWorld>): AccountWorld {
  const made = { requests: flat(1000, 1), inFlight: 20, paidAtStart: true, answersPerLook: 50 }
  return { ...made, startCents: 100_000, ...over }
}

/** Forecasts of the whole rest after each look, those without evidence left out, with what the rest really cost. */
function forecasts(given: AccountWorld, charsKnown = true) {
  return [...lookAt(given)].flatMap((seen: LookedAt) => {
    const requests = given.requests.length - seen.answered
    const ahead: Ahead = {
      requests,
      charsPerRequest: charsKnown && requests > 0 ? seen.restChars / requests : null,
    }
    const told = estimate(seen.book, ahead)
    return told === null ? [] : [{ ...seen, told }]
  })
}

const errorOf = ({ told, restCents }: ReturnType<typeof forecasts>[number]) =>
  restCents === 0 ? told.costToFinishCents : Math.abs(told.costToFinishCents / restCents - 1)

describe('what a batch will cost', () => {
  it('is told within a tenth from balances in whole cents, whenever calls are paid for, and across purchases', () => {
    const anyWorld = fc.record({
      requests: fc
        .record({
          count: fc.integer({ min: 100, max: 2000 }),
          cents: fc.double({ min: 0.05, max: 20, noNaN: true }),
        })
        .map(({ count, cents }) => flat(count, cents)),
      inFlight: fc.nat(100),
      paidAtStart: fc.boolean(),
      answersPerLook: fc.integer({ min: 5, max: 400 }),
      purchases: fc.array(
        fc.record({
          look: fc.integer({ min: 1, max: 20 }),
          cents: fc.integer({ min: 100_000, max: 1_000_000 }),
        }),
        { maxLength: 3 },
      ),
      startCents: fc.integer({ min: 50_000, max: 1_000_000 }),
    })
    fc.assert(
      fc.property(anyWorld, (given) => {
        for (const one of forecasts(given)) expect(errorOf(one)).toBeLessThan(0.1)
      }),
    )
  })

  it('is told from the prompts that are left, where later ones are longer', () => {
    const growing = Array.from({ length: 1000 }, (_, i) => paidByTokens(400 + i * 8, 100))
    const told = forecasts(world({ requests: growing })).filter(({ answered }) => answered >= 200)
    expect(told.length).toBeGreaterThan(10)
    for (const one of told) expect(errorOf(one)).toBeLessThan(0.1)
    // By the number of requests alone it would be told far too low.
    const blind = forecasts(world({ requests: growing }), false)
    expect(Math.max(...blind.filter(({ restCents }) => restCents > 0).map(errorOf))).toBeGreaterThan(0.3)
  })

  it('is told from the number of requests, where each costs the same whatever its length', () => {
    const growing = Array.from({ length: 1000 }, (_, i) => ({ ...paidByTokens(200 + i * 8, 20), cents: 1 }))
    const told = forecasts(world({ requests: growing })).filter(({ answered }) => answered >= 500)
    for (const one of told) expect(errorOf(one)).toBeLessThan(0.1)
    expect(told.length).toBeGreaterThan(5)
  })

  it('is that of the recent requests, not of those of a batch long ago', () => {
    const told = forecasts(world({ requests: [...flat(5000, 5), ...flat(5000, 1)], answersPerLook: 500 }))
    expect(errorOf(told.find(({ answered }) => answered === 9000) as (typeof told)[number])).toBeLessThan(0.1)
  })

  it('is not told before there is evidence', () => {
    expect(forecasts(world({ requests: flat(19, 10), inFlight: 0, answersPerLook: 1 }))).toEqual([])
    expect(forecasts(world({ requests: flat(1000, 0.01) }))).toEqual([])
    // All that was seen is how many went out.
    expect(
      forecasts(world({ requests: flat(200, 1), inFlight: 100, answersPerLook: 100 })).length,
    ).toBeLessThan(2)
  })
})

describe('how long the credits last', () => {
  it('is told at the pace of the last minutes, and not while nothing is spent', () => {
    const busy = forecasts(world({})).find(({ answered }) => answered === 500)
    // 50 answers of a cent in half a minute.
    expect(Math.abs((busy?.told.centsPerMinute ?? 0) - 100)).toBeLessThan(5)
    expect((busy?.told.lastsMs ?? 0) / 60_000 / ((busy?.told.balanceCents ?? 0) / 100)).toBeCloseTo(1, 1)

    const { book } = busy as LookedAt
    const last = book.sightings.at(-1) as Book['sightings'][number]
    const idle = [1, 2, 3, 4].reduce<Book>((before, i) => {
      return addSighting(before, {
        ...before.last,
        balanceCents: last.balanceCents,
        at: last.at + i * 120_000,
      })
    }, book)
    expect(estimate(idle, { requests: 10, charsPerRequest: null })).toMatchObject({
      centsPerMinute: 0,
      lastsMs: null,
    })
  })

  it('and what lacks: the cost without what is there, less what was answered since the look', () => {
    const [one] = forecasts(world({ startCents: 500 })).filter(({ answered }) => answered === 300)
    const { told, book } = one as ReturnType<typeof forecasts>[number]
    expect(told.shortByCents).toBeCloseTo(told.costToFinishCents - told.balanceCents, 1)
    const totals = { ...book.last.totals, answers: book.last.totals.answers + 50 }
    const later = estimate(book, { requests: 650, charsPerRequest: null }, totals)
    expect(later?.shortByCents).toBeCloseTo(told.shortByCents, 0)
    expect(estimate(book, { requests: 10, charsPerRequest: null })?.shortByCents).toBe(0)
  })
})

describe('looks at an account', () => {
  it('stay few, however many were taken, and lose nothing of the sums', () => {
    const books = [...lookAt(world({ requests: flat(5000, 1), answersPerLook: 5, inFlight: 0 }))].map(
      ({ book }) => book,
    )
    const looks = books.at(-1)?.sightings ?? []
    expect(looks.length).toBeLessThanOrEqual(128)
    expect(looks.at(-1)).toMatchObject({ answers: 5000, spentCents: 5000 })
    expect(looks[0]).toMatchObject({ answers: 0, spentCents: 0 })
  })

  it('begin anew where a Redis has forgotten what was answered', () => {
    const [, before] = [...lookAt(world({}))].map(({ book }) => book)
    const nothing = { answers: 0, chars: 0, promptTokens: 0, completionTokens: 0 }
    const after = addSighting(before as Book, {
      at: 90_000,
      balanceCents: 1,
      totals: nothing,
      inFlight: 0,
      inHand: 0,
    })
    expect(after.sightings.at(-1)).toMatchObject({
      answers: 50,
      spentCents: before?.sightings.at(-1)?.spentCents,
    })
  })
})
