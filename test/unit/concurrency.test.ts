import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { followConcurrency, startConcurrency } from '../../src/admission/concurrency.js'
import { type Look, simulateConcurrency, type UpstreamModel } from '../support/concurrency-world.js'

const answers = (latencyMs: number) => () => ({ latencyMs, kind: 'answered' as const })
const at = (looks: readonly Look[], ms: number) => looks.filter(({ atMs }) => atMs <= ms).at(-1) as Look
const from = (looks: readonly Look[], ms: number) => looks.filter(({ atMs }) => atMs >= ms)
const limits = (looks: readonly Look[]) => looks.map(({ limit }) => limit)
const firstMs = (looks: readonly Look[], calls: number) =>
  looks.find(({ inFlight }) => inFlight >= calls)?.atMs ?? Number.POSITIVE_INFINITY

/** Lognormal latencies, the same in each run: most are quick, some take ten times as long. */
function varied(medianMs: number, spread: number): UpstreamModel['fate'] {
  let seed = 7
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  return () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return { latencyMs: medianMs * Math.exp(spread * normal), kind: 'answered' }
  }
}

describe('an upstream without limits', () => {
  it('of 200 ms has 200 calls in flight within 0.8 s, and as many as are allowed soon after', () => {
    const looks = simulateConcurrency({ fate: answers(200) }, 10_000)
    expect(firstMs(looks, 200)).toBeLessThan(800)
    expect(firstMs(looks, 1000)).toBeLessThan(2000)
    expect(new Set(limits(from(looks, 2000)))).toEqual(new Set([1000]))
  })

  it.each([
    ['all alike', answers(60_000)],
    ['wildly different', varied(40_000, 1)],
  ])(
    'that takes a minute gets all that are allowed within seconds, and never fewer: answers %s',
    (_, fate) => {
      const looks = simulateConcurrency({ fate }, 200_000)
      expect(firstMs(looks, 990)).toBeLessThan(5000)
      expect(Math.min(...limits(from(looks, 5000)))).toBe(1000)
    },
  )

  it('whose answers come to take a minute keeps as many in flight', () => {
    const fate = (nowMs: number) => ({ latencyMs: nowMs < 10_000 ? 500 : 60_000, kind: 'answered' as const })
    const looks = simulateConcurrency({ fate }, 200_000)
    expect(Math.min(...limits(from(looks, 5000)))).toBe(1000)
  })

  it('whose answers take seconds, wildly different, is taken for what it is', () => {
    const looks = simulateConcurrency({ fate: varied(2000, 1) }, 90_000)
    expect(firstMs(looks, 990)).toBeLessThan(10_000)
    expect(Math.min(...limits(from(looks, 10_000)))).toBe(1000)
  })

  it('gets no more than its ceiling', () => {
    expect(Math.max(...limits(simulateConcurrency({ fate: answers(100), ceiling: 7 }, 3000)))).toBe(7)
  })
})

describe('an upstream with room for so many calls', () => {
  it.each([20, 50, 100, 200, 300])('gets about %i at a time', (lanes) => {
    for (const fate of [answers(200), varied(200, 0.3)]) {
      const looks = simulateConcurrency({ fate, lanes }, 60_000)
      const settled = from(looks, 20_000)
      // Now and then a few more are tried.
      const usual = limits(settled).sort((a, b) => a - b)[Math.floor(settled.length / 2)] as number
      expect(usual).toBeGreaterThan(0.8 * lanes)
      expect(usual).toBeLessThan(1.5 * lanes)
      expect(Math.max(...limits(settled))).toBeLessThan(2.25 * lanes)
    }
  })

  it('and slow answers gets too many at first, and about as many as it has room for later', () => {
    const looks = simulateConcurrency({ fate: answers(5000), lanes: 100 }, 300_000)
    expect(at(looks, 299_000).limit).toBeLessThan(150)
  })
})

describe('a pace that holds calls up', () => {
  it.each([
    [100, 1000],
    [100, 200],
    [10, 20_000],
    [1, 60_000],
  ])('of %i a second has rate × latency in flight and few waiting: %i ms', (rate, latencyMs) => {
    const busy = (rate * latencyMs) / 1000
    const forMs = 10_000 + 2 * latencyMs
    const looks = simulateConcurrency({ fate: answers(latencyMs), pace: () => rate }, forMs)
    const steady = from(looks, forMs - 5000)
    expect(Math.min(...steady.map(({ inFlight }) => inFlight))).toBeGreaterThan(0.9 * busy)
    const waiting = steady.map((look) => look.waiting)
    expect(Math.min(...waiting)).toBeGreaterThan(0)
    expect(Math.max(...waiting)).toBeLessThanOrEqual(Math.max(10, 0.25 * rate))
  })

  it('is followed when it triples, and when it falls to a third', () => {
    const pace = (nowMs: number) => (nowMs > 20_000 && nowMs < 40_000 ? 300 : 100)
    const looks = simulateConcurrency({ fate: answers(1000), pace }, 60_000)
    expect(at(looks, 19_900).limit).toBeLessThan(140)
    expect(at(looks, 23_000).inFlight).toBeGreaterThan(280)
    expect(at(looks, 42_000).limit).toBeLessThan(140)
  })
})

describe('failures', () => {
  const failing =
    (fromMs: number, untilMs: number, every: number, latencyMs: number) => (nowMs: number, n: number) =>
      nowMs >= fromMs && nowMs < untilMs && n % every === 0
        ? { latencyMs, kind: 'failed' as const }
        : { latencyMs: 200, kind: 'answered' as const }

  it('of half the calls shrink it, and it is back within seconds of the last', () => {
    const looks = simulateConcurrency({ fate: failing(5000, 9000, 2, 200) }, 20_000)
    expect(at(looks, 8500).limit).toBeLessThan(50)
    expect(at(looks, 16_000).inFlight).toBeGreaterThan(900)
  })

  it.each([
    ['a few, and all are back within seconds of the first answer: they are refused', 5, 10, 3000],
    ['ever fewer, and all are back soon after the last has timed out', 10_000, 100, 13_000],
  ])('of all calls for a minute leave %s', (_, latencyMs, left, backMs) => {
    const looks = simulateConcurrency({ fate: failing(5000, 65_000, 1, latencyMs) }, 90_000)
    expect(at(looks, 64_000).limit).toBeLessThanOrEqual(left)
    const first = looks.find(
      ({ atMs, answered }) => atMs > 65_000 && answered > at(looks, 64_000).answered,
    ) as Look
    expect(at(looks, first.atMs + backMs).inFlight).toBeGreaterThan(900)
  })

  it('of a few poison requests among many change nothing', () => {
    const looks = simulateConcurrency({ fate: failing(0, 30_000, 20, 200) }, 30_000)
    expect(Math.min(...limits(from(looks, 2000)))).toBe(1000)
  })

  it('that come of too many calls keep it below the number that they came of', () => {
    let inFlight: number[] = []
    const fate: UpstreamModel['fate'] = (nowMs) => {
      inFlight = inFlight.filter((end) => end > nowMs)
      const kind = inFlight.length >= 150 ? 'failed' : 'answered'
      const latencyMs = kind === 'failed' ? 20 : 200
      inFlight.push(nowMs + latencyMs)
      return { latencyMs, kind }
    }
    const looks = from(simulateConcurrency({ fate }, 60_000), 10_000)
    const answeredPerSecond = ((looks.at(-1)?.answered ?? 0) - (looks[0]?.answered ?? 0)) / 50
    expect(answeredPerSecond).toBeGreaterThan(0.7 * 750)
    expect(Math.max(...limits(looks))).toBeLessThan(600)
  })
})

it('stays between its bounds whatever comes', () => {
  const call = fc.record({
    kind: fc.constantFrom('answered' as const, 'failed' as const, 'refused' as const),
    agoMs: fc.nat(5000),
  })
  const look = fc.record({
    held: fc.nat(2000),
    waiting: fc.nat(500),
    begun: fc.nat(500),
    ended: fc.array(call, { maxLength: 60 }),
    ceiling: fc.integer({ min: 1, max: 1000 }),
    afterMs: fc.integer({ min: 1, max: 20_000 }),
  })
  fc.assert(
    fc.property(fc.array(look, { maxLength: 60 }), (looks) => {
      let state = startConcurrency(looks[0]?.ceiling ?? 1, 0)
      let now = 0
      for (const { held, waiting, begun, ended, ceiling, afterMs } of looks) {
        now += afterMs
        const calls = ended.map(({ kind, agoMs }) => ({ kind, beganAtMs: now - agoMs }))
        const sample = { held, permitted: Math.max(0, held - waiting), waiting, begun, ended: calls }
        state = followConcurrency(state, sample, ceiling, now)
        expect(Number.isInteger(state.limit)).toBe(true)
        expect(state.limit).toBeGreaterThanOrEqual(Math.min(4, ceiling))
        expect(state.limit).toBeLessThanOrEqual(state.width)
        expect(state.width).toBeLessThanOrEqual(ceiling)
      }
    }),
    { numRuns: 60 },
  )
})
