import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../src/completions/backoff.js'

const DEFAULTS = { backoffBaseMs: 1000, backoffCapMs: 60_000 }
const NO_JITTER = 0.5
const LEAST_JITTER = 0
const MOST_JITTER = 1 - 2 ** -53

const tries = fc.integer({ min: 1, max: 200 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const retryAfterMs = fc.option(fc.integer({ min: 0, max: 31 * 24 * 3600_000 }))
const options = fc.record({
  backoffBaseMs: fc.integer({ min: 1, max: 600_000 }),
  backoffCapMs: fc.integer({ min: 1, max: 3_600_000 }),
})

describe('the backoff without Retry-After', () => {
  it('doubles from the base to the cap', () => {
    const waits = Array.from({ length: 9 }, (_, n) => backoffMs(n + 1, null, DEFAULTS, NO_JITTER))
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('is spread from half to one and a half', () => {
    expect(backoffMs(3, null, DEFAULTS, LEAST_JITTER)).toBe(2000)
    expect(backoffMs(3, null, DEFAULTS, MOST_JITTER)).toBe(6000)
  })

  it('stays between 0.5 and 1.5 times base × 2^(tries − 1), capped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), options, random, (n, given, jitter) => {
        const doubled = given.backoffBaseMs * 2 ** (n - 1)
        const wait = backoffMs(n, null, given, jitter)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(Math.min(given.backoffCapMs, 0.5 * doubled)))
        expect(wait).toBeLessThanOrEqual(Math.ceil(Math.min(given.backoffCapMs, 1.5 * doubled)))
      }),
    )
  })

  it('never falls with more tries or a higher cap, whatever the jitter', () => {
    fc.assert(
      fc.property(tries, options, random, fc.nat({ max: 3_600_000 }), (n, given, jitter, more) => {
        const wait = backoffMs(n, null, given, jitter)
        const higherCap = { ...given, backoffCapMs: given.backoffCapMs + more }
        expect(backoffMs(n + 1, null, given, jitter)).toBeGreaterThanOrEqual(wait)
        expect(backoffMs(n, null, higherCap, jitter)).toBeGreaterThanOrEqual(wait)
      }),
    )
  })
})

describe('the backoff with Retry-After', () => {
  it('is what Retry-After asks for when that is longer, the cap notwithstanding', () => {
    expect(backoffMs(1, 300_000, DEFAULTS, NO_JITTER)).toBe(300_000)
  })

  it('is its own when that is longer', () => {
    expect(backoffMs(5, 2000, DEFAULTS, NO_JITTER)).toBe(16_000)
  })

  it('does not believe a Retry-After of more than an hour', () => {
    expect(backoffMs(1, 31 * 24 * 3600_000, DEFAULTS, NO_JITTER)).toBe(3600_000)
  })

  it('is never shorter than Retry-After nor than its own, and no longer than the longer one', () => {
    fc.assert(
      fc.property(tries, retryAfterMs, options, random, (n, asked, given, jitter) => {
        const own = backoffMs(n, null, given, jitter)
        expect(backoffMs(n, asked, given, jitter)).toBe(Math.max(own, Math.min(3600_000, asked ?? 0)))
      }),
    )
  })
})

it('gives a whole number of milliseconds that BullMQ can use, for any number of tries', () => {
  fc.assert(
    fc.property(tries, retryAfterMs, options, random, (n, asked, given, jitter) => {
      expect(Number.isSafeInteger(backoffMs(n, asked, given, jitter))).toBe(true)
    }),
  )
})
