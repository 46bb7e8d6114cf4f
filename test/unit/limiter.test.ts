import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../src/simulator/limiter.js'
import type { LimitSettings } from '../../src/simulator/options.js'
import { headersOf } from '../../src/simulator/rate-limit-headers.js'

const base = { requestsPerWindow: 3, windowMs: 1000, countRefused: false }
const sliding: LimitSettings = { ...base, kind: 'sliding' }
const fixed: LimitSettings = { ...base, kind: 'fixed' }
const bucket: LimitSettings = { ...base, kind: 'bucket', burst: 2 }

/** The verdicts on calls at these times: 'ok', or the wait in milliseconds. */
function verdicts(limit: LimitSettings, timesMs: number[]): ('ok' | number)[] {
  const limiter = createLimiter(limit)
  return timesMs.map((timeMs) => {
    const verdict = limiter.take(timeMs)
    return verdict.kind === 'admitted' ? 'ok' : Math.round(verdict.retryAfterMs)
  })
}

function admittedOf(limit: LimitSettings, timesMs: number[]): number[] {
  const limiter = createLimiter(limit)
  return timesMs.filter((timeMs) => limiter.take(timeMs).kind === 'admitted')
}

const limits = fc.record({
  requestsPerWindow: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.integer({ min: 1, max: 2000 }),
  countRefused: fc.boolean(),
})
const arrivals = fc
  .array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 })
  .map(timesFromGaps)

function timesFromGaps(gapsMs: number[]): number[] {
  let timeMs = 1_700_000_000_000
  return gapsMs.map((gapMs) => {
    timeMs += gapMs
    return timeMs
  })
}

describe('a sliding window', () => {
  it('admits again when the oldest call has left the window, and says when that is', () => {
    expect(verdicts(sliding, [0, 100, 200, 300, 999, 1000, 1050, 1100])).toEqual([
      'ok',
      'ok',
      'ok',
      700,
      1,
      'ok',
      50,
      'ok',
    ])
  })

  it('is used up by refused calls only where they count', () => {
    const hammering = [0, 0, 0, ...Array.from({ length: 10 }, (_, index) => (index + 1) * 200)]
    expect(admittedOf(sliding, hammering)).toEqual([0, 0, 0, 1000, 1200, 1400, 2000])
    expect(admittedOf({ ...sliding, countRefused: true }, hammering)).toEqual([0, 0, 0])
  })

  it('never admits more than the limit in any window', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, timesMs) => {
        const admitted = admittedOf({ ...limit, kind: 'sliding' }, timesMs)
        for (const [index, startMs] of admitted.entries()) {
          const next = admitted[index + limit.requestsPerWindow]
          if (next !== undefined) expect(next - startMs).toBeGreaterThanOrEqual(limit.windowMs)
        }
      }),
    )
  })
})

describe('a fixed window', () => {
  it('starts anew at whole multiples of the window, whenever its first call came', () => {
    expect(verdicts(fixed, [900, 900, 900, 950, 1000, 1001, 1002, 1003])).toEqual([
      'ok',
      'ok',
      'ok',
      50,
      'ok',
      'ok',
      'ok',
      997,
    ])
  })

  it('never admits more than the limit in any aligned window', () => {
    fc.assert(
      fc.property(limits, arrivals, (limit, timesMs) => {
        const used = new Map<number, number>()
        for (const timeMs of admittedOf({ ...limit, kind: 'fixed' }, timesMs)) {
          const window = Math.floor(timeMs / limit.windowMs)
          used.set(window, (used.get(window) ?? 0) + 1)
        }
        for (const count of used.values()) expect(count).toBeLessThanOrEqual(limit.requestsPerWindow)
      }),
    )
  })
})

describe('a token bucket', () => {
  it('admits a burst, then at its rate', () => {
    expect(verdicts(bucket, [0, 0, 0, 333, 334, 500, 668])).toEqual(['ok', 'ok', 333, 0, 'ok', 167, 'ok'])
  })

  it('holds as many as the limit when no burst is given', () => {
    expect(verdicts({ ...base, kind: 'bucket' }, [0, 0, 0, 0])).toEqual(['ok', 'ok', 'ok', 333])
  })

  it('is drained by refused calls where they count', () => {
    expect(verdicts({ ...bucket, countRefused: true }, [0, 0, 200, 400])).toEqual(['ok', 'ok', 333, 333])
    expect(verdicts(bucket, [0, 0, 200, 400])).toEqual(['ok', 'ok', 133, 'ok'])
  })

  it('never admits more than burst plus refill in any span', () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 30 }), arrivals, (limit, burst, timesMs) => {
        const admitted = admittedOf({ ...limit, kind: 'bucket', burst }, timesMs)
        for (const [from, startMs] of admitted.entries()) {
          for (const [to, endMs] of admitted.entries()) {
            const refilled = ((endMs - startMs) * limit.requestsPerWindow) / limit.windowMs
            if (to >= from) expect(to - from + 1).toBeLessThanOrEqual(burst + refilled + 1e-6)
          }
        }
      }),
      { numRuns: 50 },
    )
  })
})

it('says how many calls it would admit, and when all of the limit is free again, whatever the kind', () => {
  const kinds = fc.constantFrom('sliding', 'fixed', 'bucket')
  fc.assert(
    fc.property(kinds, limits, arrivals, (kind, limit, timesMs) => {
      const [now, later] = [createLimiter({ ...limit, kind }), createLimiter({ ...limit, kind })]
      for (const timeMs of timesMs) for (const limiter of [now, later]) limiter.take(timeMs)
      const last = timesMs.at(-1) ?? 0
      const { remaining, resetMs } = now.state(last)
      for (let n = 0; n < remaining; n += 1) expect(now.take(last).kind).toBe('admitted')
      expect(now.take(last).kind).toBe('refused')
      expect(later.state(last + Math.ceil(resetMs))).toEqual({
        limit: limit.requestsPerWindow,
        remaining: limit.requestsPerWindow,
        resetMs: 0,
      })
    }),
  )
})

it.each([
  [0, '0s', '0'],
  [19.2, '20ms', '1'],
  [1000, '1s', '1'],
  [1500, '1.5s', '2'],
  [360_000, '6m0s', '360'],
  [3_661_000, '1h1m1s', '3661'],
])('tells %d ms in headers as Go writes durations, or in whole seconds', (resetMs, openai, plain) => {
  const state = { limit: 60, remaining: 59, resetMs }
  expect(headersOf('openai', state).map(([, value]) => value)).toEqual(['60', '59', openai])
  expect(headersOf('plain', state).map(([, value]) => value)).toEqual(['60', '59', plain])
})

it('admits a lone call after exactly the wait that it named, whatever the kind', () => {
  const kinds = fc.constantFrom('sliding', 'fixed', 'bucket')
  fc.assert(
    fc.property(kinds, limits, arrivals, (kind, limit, timesMs) => {
      const limiter = createLimiter({ ...limit, kind })
      const last = timesMs.at(-1) ?? 0
      const results = timesMs.map((timeMs) => limiter.take(timeMs))
      const verdict = results.at(-1)
      if (verdict?.kind !== 'refused') return
      expect(verdict.retryAfterMs).toBeGreaterThan(0)
      expect(limiter.take(last + Math.ceil(verdict.retryAfterMs)).kind).toBe('admitted')
    }),
  )
})
