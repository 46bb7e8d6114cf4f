import { describe, expect, it } from 'vitest'
import {
  bucketOf,
  refusedShare,
  simulateBucket,
  simulateWindow,
  timeRatio,
  windowOf,
} from '../support/pace-simulation/figures.js'
import { type Phase, type Scenario, simulate } from '../support/pace-simulation/scenario.js'

const MINUTE_S = 60
const NIGHT_S = 8 * 3600

/** A limit that is another one for a while. */
function movingTo(factor: number, from: number, to: number, limitOf: (factor: number) => Phase['limit']) {
  return [
    { from: 0, limit: limitOf(1) },
    { from, limit: limitOf(factor) },
    { from: to, limit: limitOf(1) },
  ]
}

describe('a batch against a token bucket', () => {
  it.each<[[number, number], number, number, number, number]>([
    [[100, 20], 3000, 1, 1.06, 0.02],
    [[100, 20], 3000, 4, 1.08, 0.02],
    [[100, 20], 3000, 16, 1.08, 0.02],
    [[500, 1000], 10_000, 1, 1.06, 0.02],
    [[1000, 10], 10_000, 1, 1.4, 0.01],
    [[30, 7], 900, 1, 1.05, 0.025],
    [[20, 1], 600, 4, 1.32, 0.045],
    [[10, 1], 300, 1, 1.2, 0.09],
  ])(
    '%j (a second, burst), %i prompts, %i workers: at most %f times the ideal time, %f refused',
    (...row) => {
      const [bucket, prompts, workers, mostTime, mostRefused] = row
      const { time, refused } = simulateBucket(bucket, prompts, { workers })
      expect(time).toBeLessThanOrEqual(mostTime)
      expect(refused).toBeLessThanOrEqual(mostRefused)
    },
  )

  it.each<[string, number, number, Partial<Scenario>]>([
    ['travel takes 5 to 30 ms', 1.08, 0.02, { jitter: [0.005, 0.03], workers: 4 }],
    ['answers take 5 to 60 s', 1.05, 0.02, { latency: [5, 60], concurrency: 4000 }],
    ['429s take 0.2 to 0.5 s', 1.15, 0.06, { refusal: [0.2, 0.5] }],
    ['429s take 0.2 to 0.5 s, 4 workers', 1.15, 0.06, { refusal: [0.2, 0.5], workers: 4 }],
    ['Retry-After is missing', 1.06, 0.02, { retryAfter: 'missing' }],
    ['Redis is 20 ms away', 1.06, 0.02, { roundTrip: 0.02 }],
    ['Redis is 100 ms away', 1.07, 0.02, { roundTrip: 0.1 }],
    ['headers tell the limit', 1.03, 0, { tellsLimit: true }],
  ])('of 100 a second, burst 20; %s: at most %f times the ideal time, %f refused', (...row) => {
    const [, mostTime, mostRefused, over] = row
    const { time, refused } = simulateBucket([100, 20], 3000, over)
    expect(time).toBeLessThanOrEqual(mostTime)
    expect(refused).toBeLessThanOrEqual(mostRefused)
  })

  it('that refused calls drain takes at most 1.1 times the ideal time, 0.03 refused', () => {
    const limit = { ...bucketOf(100, 20), countRefused: true }
    const run = simulate({ phases: [{ from: 0, limit }], prompts: 3000 })
    expect(timeRatio(run, 30)).toBeLessThanOrEqual(1.1)
    expect(refusedShare(run)).toBeLessThanOrEqual(0.03)
  })
})

describe('a window limit', () => {
  it.each<['sliding' | 'fixed', number, number, number]>([
    ['sliding', 30, 1, 7],
    ['sliding', 60, 1, 7],
    ['sliding', 60, 4, 7],
    ['sliding', 300, 1, 6],
    ['sliding', 300, 16, 5],
    ['sliding', 1200, 1, 4],
    ['sliding', 1200, 4, 4],
    ['sliding', 6000, 1, 2],
    ['sliding', 6000, 4, 1],
    ['sliding', 30_000, 1, 1],
    ['fixed', 30, 1, 7],
    ['fixed', 60, 1, 7],
    ['fixed', 60, 4, 7],
    ['fixed', 300, 1, 6],
    ['fixed', 300, 16, 4],
    ['fixed', 1200, 1, 4],
    ['fixed', 1200, 4, 4],
    ['fixed', 6000, 1, 2],
    ['fixed', 6000, 4, 1],
    ['fixed', 30_000, 1, 1],
  ])('%s, %i a minute, %i workers: from the first window on (%i min) 95 % is used', (...row) => {
    const [kind, perMinute, workers, minutes] = row
    const figures = simulateWindow(windowOf(kind, perMinute), minutes, {
      workers,
      concurrency: perMinute > 10_000 ? 1000 : 400,
      startsAt: (perMinute * 0.7) % MINUTE_S || 17,
    })
    const isSmall = perMinute < 60
    expect(figures.used).toBeGreaterThanOrEqual(0.95)
    expect(figures.refusedLater).toBeLessThanOrEqual(isSmall ? 0.025 : 0.02)
    expect(figures.refused).toBeLessThanOrEqual(isSmall ? 0.065 : 0.05)
  })

  it.each<['sliding' | 'fixed', number, string, number, number, Partial<Scenario>]>([
    ['sliding', 60, 'Retry-After is missing', 0.88, 0.02, { retryAfter: 'missing' }],
    ['sliding', 60, 'Retry-After is zero', 0.88, 0.02, { retryAfter: 'zero' }],
    ['sliding', 60, 'Retry-After is absurd', 0.88, 0.02, { retryAfter: 'absurd' }],
    ['sliding', 1200, 'Retry-After is missing', 0.9, 0.01, { retryAfter: 'missing' }],
    ['fixed', 60, 'Retry-After is missing', 0.94, 0.045, { retryAfter: 'missing' }],
    ['fixed', 1200, 'Retry-After is absurd', 0.9, 0.01, { retryAfter: 'absurd' }],
    ['sliding', 1200, 'Redis is 100 ms away', 0.95, 0.02, { roundTrip: 0.1 }],
    [
      'sliding',
      600,
      '429s take 0.5 to 2 s, no Retry-After',
      0.8,
      0.05,
      { refusal: [0.5, 2], retryAfter: 'missing' },
    ],
    ['sliding', 60, '429s take 0.2 to 0.5 s', 0.95, 0.02, { refusal: [0.2, 0.5] }],
    ['sliding', 1200, '429s take 0.2 to 0.5 s', 0.95, 0.02, { refusal: [0.2, 0.5] }],
    ['fixed', 60, '429s take 0.2 to 0.5 s', 0.95, 0.02, { refusal: [0.2, 0.5] }],
    ['fixed', 1200, '429s take 0.2 to 0.5 s', 0.95, 0.02, { refusal: [0.2, 0.5] }],
    ['sliding', 60, 'answers take 5 to 60 s', 0.95, 0.02, { latency: [5, 60], workers: 4 }],
    ['sliding', 1200, 'answers take 5 to 60 s', 0.95, 0.02, { latency: [5, 60], concurrency: 1000 }],
    ['fixed', 1200, 'answers take 5 to 60 s', 0.95, 0.02, { latency: [5, 60], concurrency: 1000 }],
    ['sliding', 90, 'others have a third of it', 0.95, 0.02, { othersPerSecond: 0.5 }],
    ['sliding', 1800, 'others have a third of it', 0.93, 0.02, { othersPerSecond: 10 }],
    ['fixed', 1800, 'others have a third of it', 0.95, 0.02, { othersPerSecond: 10 }],
  ])('%s, %i a minute; %s: at least %f is used from the first window on, %f refused', (...row) => {
    const [kind, perMinute, , leastUsed, mostRefused, over] = row
    const figures = simulateWindow(windowOf(kind, perMinute), 4, { startsAt: 20, ...over })
    expect(figures.used).toBeGreaterThanOrEqual(leastUsed)
    expect(figures.refusedLater).toBeLessThanOrEqual(mostRefused)
  })

  it.each([60, 1200])(
    'of %i a minute that refused calls use up too is used by 95 %, 2 % refused',
    (perMinute) => {
      const { used, refusedLater } = simulateWindow(windowOf('sliding', perMinute, true), 4)
      expect(used).toBeGreaterThanOrEqual(0.95)
      expect(refusedLater).toBeLessThanOrEqual(0.02)
    },
  )

  it.each(['sliding', 'fixed'] as const)(
    '%s, told in headers, is used from the start: 1 % refused',
    (kind) => {
      const { used, refused } = simulateWindow(windowOf(kind, 300), 4, { tellsLimit: true, startsAt: 20 })
      expect(used).toBeGreaterThanOrEqual(0.95)
      expect(refused).toBeLessThanOrEqual(0.01)
    },
  )
})

describe('a limit that moves', () => {
  it.each([1, 4])(
    'a bucket to a third for 10 s, %i workers: 1.15 times the ideal time, 2 % refused',
    (workers) => {
      const phases = movingTo(1 / 3, 10, 20, (factor) => bucketOf(100 * factor, 20))
      const run = simulate({ phases, prompts: 3000, workers })
      expect(timeRatio(run, 30 + 20 / 3)).toBeLessThanOrEqual(1.15)
      expect(refusedShare(run)).toBeLessThanOrEqual(0.02)
    },
  )

  it('a bucket to the threefold for 20 s: half of what it allows more is used, 2 % refused', () => {
    const phases = movingTo(3, 10, 30, (factor) => bucketOf(100 * factor, 20))
    const { journal, ...run } = simulate({ phases, seconds: 40 })
    expect(journal.admittedBetween(10, 30)).toBeGreaterThanOrEqual(4000)
    expect(refusedShare({ journal, ...run })).toBeLessThanOrEqual(0.02)
  })

  it.each<['sliding' | 'fixed', number]>([
    ['sliding', 300],
    ['sliding', 1200],
    ['fixed', 1200],
  ])(
    '%s, %i a minute, to a third or to the threefold for 2 min: 80 % is used, 1 % refused',
    (kind, limit) => {
      for (const factor of [1 / 3, 3]) {
        const phases = movingTo(factor, 120, 240, (times) => windowOf(kind, limit * times))
        const run = simulate({ phases, seconds: 480 })
        const allowed = limit * (7 + 2 * (factor - 1))
        expect(run.journal.admittedBetween(60, 480)).toBeGreaterThanOrEqual(0.8 * allowed)
        expect(refusedShare(run, 60)).toBeLessThanOrEqual(0.01)
      }
    },
  )
})

describe('without a limit', () => {
  it.each([
    [1, 200, 200],
    [1, 1000, 200],
    [4, 200, 190],
    [16, 1000, 200],
  ])('%i workers with %i places have %i calls in flight within 1.5 s', (workers, concurrency, calls) => {
    const { journal } = simulate({ workers, concurrency, seconds: 1.6 })
    expect(journal.inFlightAt(calls)).toBeLessThanOrEqual(1.5)
  })

  it('10,000 prompts of 200 ms, 200 at once, take at most 1.12 times as long as the bare calls', () => {
    const run = simulate({ concurrency: 200, prompts: 10_000 })
    expect(timeRatio(run, 50 * 0.21)).toBeLessThanOrEqual(1.12)
  })

  it('a ceiling is kept to, and used', () => {
    const { journal, ...run } = simulate({ ceiling: 50, seconds: 60 })
    for (let second = 0; second < 59; second++) {
      expect(journal.sentBetween(second, second + 1)).toBeLessThanOrEqual(51)
    }
    expect(journal.sentBetween(0, 60)).toBeGreaterThan(49 * 60)
    expect(refusedShare({ journal, ...run })).toBe(0)
  })
})

describe('an outage of 60 s', () => {
  it.each<[string, number, Phase['limit'], number]>([
    ['100 a second', 1, bucketOf(100, 20), 100],
    ['100 a second', 4, bucketOf(100, 20), 100],
    ['1,200 a minute', 4, windowOf('sliding', 1200), 20],
    ['no limit', 1, null, 900],
  ])('%s, %i workers: fewer than 75 calls after its first 2 s, 90 % of the rate 10 s later', (...row) => {
    const [, workers, limit, rate] = row
    const from = rate < 50 ? 130 : 20
    const { journal } = simulate({
      phases: [{ from: 0, limit }],
      concurrency: 200,
      workers,
      outage: [from, from + 60],
      seconds: from + 75,
    })
    expect(journal.sentBetween(from + 2, from + 60)).toBeLessThan(75)
    expect(journal.sentBetween(from + 70, from + 75) / 5).toBeGreaterThanOrEqual(0.9 * rate)
  })

  it('from the very start: the batch goes as fast after it as without it', () => {
    const run = simulate({ phases: [{ from: 0, limit: bucketOf(100, 20) }], prompts: 3000, outage: [0, 60] })
    expect(run.journal.sentBetween(2, 60)).toBeLessThan(75)
    expect(run.journal.lastAnswerAt - 60).toBeLessThanOrEqual(30 * 1.15)
  })
})

it.each([10, 30])('an outage ends also where only %i calls a minute may go', (perMinute) => {
  const { journal } = simulate({ ceiling: perMinute / 60, outage: [60, 120], seconds: 240 })
  expect(journal.sentBetween(62, 120)).toBeGreaterThanOrEqual(10)
  expect(journal.sentBetween(120, 240)).toBeGreaterThanOrEqual((0.85 * 120 * perMinute) / 60)
})

describe('what was learned', () => {
  it.each<[string, Phase['limit'], number]>([
    ['a bucket', bucketOf(100, 20), 100],
    ['a sliding window', windowOf('sliding', 1200), 20],
    ['a fixed window', windowOf('fixed', 1200), 20],
  ])("of %s is the next batch's from its first second, a minute or a night later: 1 % refused", (...row) => {
    const [, limit, rate] = row
    const phases = [{ from: 0, limit }]
    const run = simulate({ phases, prompts: 15 * rate + 1200 })
    for (const idle of [61, NIGHT_S]) {
      const next = simulate({ phases, seconds: 40, after: { run, idle } })
      expect(next.journal.sentBetween(0, 5) / 5 / rate).toBeGreaterThanOrEqual(0.85)
      expect(next.journal.sentBetween(0, 5) / 5 / rate).toBeLessThanOrEqual(1.15)
      expect(refusedShare(next)).toBeLessThanOrEqual(0.01)
    }
  })
})
