import { describe, expect, it } from 'vitest'
import { compareAnswers } from '../../scripts/pace/answers.js'
import { figure, none, resultsOf } from '../../scripts/pace/figure.js'
import { idealSeconds } from '../../scripts/pace/ideal.js'
import { countBetween, msUntilRate, timeOfCount, timeOfInFlight } from '../../scripts/pace/series.js'
import { markdownTable, passed, summaryOf } from '../../scripts/pace/table.js'
import { refusedShare, windowUse } from '../../scripts/pace/window-use.js'
import type { TimelineSeries } from '../../src/simulator/timeline.js'

/** A series in spans of a second from second 1,000 on; what is not given is zero throughout. */
function seriesOf(lists: Partial<Omit<TimelineSeries, 'bucketMs'>>): TimelineSeries {
  const { completed = [], arrived = completed } = lists
  const zeros = arrived.map(() => 0)
  const rest = { refused: zeros, failed: zeros, inFlight: zeros, firstCallMs: 1_000_000, lastAnswerMs: null }
  return { bucketMs: 1000, startMs: 1_000_000, ...rest, ...lists, arrived, completed }
}

describe('a series', () => {
  it('is counted by the spans that start in a time', () => {
    const series = seriesOf({ completed: [1, 2, 4, 8] })
    expect(countBetween(series, 'completed', 1_001_000, 1_003_000)).toBe(6)
    expect(countBetween(series, 'completed', 1_000_001)).toBe(14)
  })

  it('tells when so many had come and when so many were in flight, or that they never were', () => {
    const series = seriesOf({ completed: [1, 2, 4], inFlight: [5, 20, 10] })
    expect(timeOfCount(series, 'completed', 3)).toBe(1_002_000)
    expect(timeOfCount(series, 'completed', 8)).toBeNull()
    expect(timeOfInFlight(series, 20)).toBe(1_002_000)
    expect(timeOfInFlight(series, 21)).toBeNull()
  })

  it('tells when a rate was kept for a whole span', () => {
    const series = seriesOf({ completed: [100, 0, 0, 90, 20, 95, 90, 92] })
    expect(msUntilRate(series, 1_001_000, 90, 3000)).toBe(4000)
    expect(msUntilRate(series, 1_001_000, 90, 4000)).toBeNull()
  })
})

describe('the use of windows', () => {
  const limit = { requestsPerWindow: 10, windowMs: 5000 }

  it('is counted in whole windows after the first, and not near the end', () => {
    const completed = [9, 0, 0, 0, 0, ...[5, 5, 0, 0, 0], ...[8, 0, 0, 0, 0], ...[9, 1]]
    const arrived = completed.map((count, index) => (index === 0 || index === 10 ? count + 2 : count))
    const refused = completed.map((_, index) => (index === 0 || index === 10 ? 2 : 0))
    const use = windowUse(seriesOf({ completed, arrived, refused }), { ...limit, kind: 'sliding' }, 37)
    expect(use).toEqual({ windows: 2, used: 0.9, refusedAfterFirst: 2 / 30, refusedInAll: 4 / 41 })
  })

  it('follows the clock where windows are fixed, and takes no first one of less than half', () => {
    const completed = [0, 0, 0, 10, 0, ...[10, 0, 0, 0, 0], ...[9, 0, 0, 0, 0], ...[10, 1]]
    const series = seriesOf({ completed, firstCallMs: 1_003_000 })
    expect(windowUse(series, { ...limit, kind: 'fixed' }, 40)).toMatchObject({ windows: 1, used: 0.9 })
    const early = seriesOf({ completed, firstCallMs: 1_002_500 })
    expect(windowUse(early, { ...limit, kind: 'fixed' }, 40)).toMatchObject({ windows: 2, used: 0.95 })
  })

  it('says that there was no whole window, and that nobody called', () => {
    expect(windowUse(seriesOf({ completed: [3] }), { ...limit, kind: 'sliding' }, 3).used).toBeNull()
    expect(refusedShare(seriesOf({}), 0)).toBe(0)
  })
})

describe('the ideal time', () => {
  it('is burst, then rate, then the last answer', () => {
    expect(idealSeconds(3000, [{ atMs: 0, perSecond: 100, burst: 20 }], 200)).toBeCloseTo(30)
    expect(idealSeconds(20, [{ atMs: 0, perSecond: 100, burst: 20 }], 200)).toBeCloseTo(0.2)
  })

  it('follows a limit that moves, whose bucket is full each time', () => {
    const steps = [
      { atMs: 0, perSecond: 100, burst: 20 },
      { atMs: 10_000, perSecond: 10, burst: 20 },
      { atMs: 20_000, perSecond: 100, burst: 20 },
    ]
    expect(idealSeconds(1020 + 120 + 20 + 300, steps, 0)).toBeCloseTo(23)
    expect(idealSeconds(1020 + 20 + 50, steps, 0)).toBeCloseTo(15)
  })
})

describe('figures of several runs', () => {
  const runs = (...values: (number | null)[]) =>
    values.map((value) => [figure('f', value, 's', { atMost: 5 })])

  it('are judged by their median, in which a run that never came to it is the worst', () => {
    expect(resultsOf(runs(9, 1, 5))[0]).toMatchObject({ value: 5, pass: true, values: [9, 1, 5] })
    expect(resultsOf(runs(null, 1, 5))[0]).toMatchObject({ value: 5, pass: true })
    expect(resultsOf(runs(3, 9))[0]).toMatchObject({ value: 9, pass: false })
    expect(resultsOf(runs(null, 1, null))[0]).toMatchObject({ value: null, pass: false })
  })

  it('are judged by the worst where one is too many', () => {
    expect(resultsOf([[none('lost', 0)], [none('lost', 1)], [none('lost', 0)]])[0]).toMatchObject({
      value: 1,
      pass: false,
    })
  })

  it('make a table in which a failed run is seen and nothing has passed', () => {
    const scenario = {
      name: 'n',
      about: 'a',
      groups: [],
      alone: true,
      timeLimitMs: () => 1,
      run: async () => [],
    }
    const summary = summaryOf(scenario, [
      { kind: 'measured', figures: [figure('rate', 97.26, '%', { atLeast: 95 })], seconds: 1 },
      { kind: 'failed', message: 'too long\nand more', seconds: 2 },
    ])
    expect(passed(summary)).toBe(false)
    expect(markdownTable([summary])).toBe(
      [
        '| scenario | figure | measured | runs | target | |',
        '| --- | --- | ---: | --- | ---: | --- |',
        '| **n** a | rate | 97.3 % |  | ≥ 95 % | met |',
        '|  | a run failed: too long |  |  |  | **failed** |',
        '',
      ].join('\n'),
    )
  })
})

it('finds what was lost, answered twice, and given up', () => {
  const lines = (...ids: string[]) => ids.map((custom_id) => `${JSON.stringify({ custom_id })}\n`).join('')
  expect(compareAnswers(['a', 'b', 'c', 'd'], lines('a', 'b', 'b'), lines('c'))).toEqual({
    lost: 1,
    doubled: 1,
    deadLetters: 1,
  })
})
