import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIRST_PROBE_GAP, LAST_PROBE_GAP } from '../../src/admission/pace/constants.js'
import { startPace, stepPace } from '../../src/admission/pace/pace.js'
import type { PaceAsk, PaceLease, PaceState } from '../../src/admission/pace/state.js'
import { askOf, type PaceCall, paceCalls } from '../support/pace-calls.js'

const START = 1_700_000_000
const HINTS = [0, 0, 0, 1 / 60, 10, 500, 1e6]
const RUNS = { numRuns: 300, seed: 4 }

interface Step {
  readonly ask: PaceAsk
  readonly lease: PaceLease
  readonly before: PaceState
  readonly after: PaceState
}

/** Goes through a history from the start of a queue. */
function walk(history: readonly PaceCall[]): { steps: Step[]; state: PaceState; now: number } {
  const state = startPace(START)
  let now = START
  const steps = history.map((call) => {
    now += call.afterS
    const before = { ...state }
    const ask = askOf(state, call, now)
    const lease = stepPace(state, ask)
    return { ask, lease, before, after: { ...state } }
  })
  return { steps, state, now }
}

const histories = (hints = HINTS) => fc.array(paceCalls(hints), { minLength: 1, maxLength: 80 })

describe('whatever a fleet reports, the pace', () => {
  it('keeps to finite numbers, to the ceiling, and to what is wanted', () => {
    const keepsTo = (history: PaceCall[]) => {
      for (const { ask, lease, after } of walk(history).steps) {
        expect(Object.entries({ ...after, ...lease }).filter(([, value]) => !Number.isFinite(value))).toEqual(
          [],
        )
        expect(lease.rate).toBeGreaterThan(0)
        expect(lease.rate).toBeLessThanOrEqual(ask.ceiling)
        expect(lease.permits).toBeLessThanOrEqual(Math.max(0, ask.want))
        expect(lease.firstIn).toBeGreaterThanOrEqual(0)
        expect(lease.wait).toBeGreaterThanOrEqual(0)
      }
    }
    fc.assert(fc.property(histories(), keepsTo), RUNS)
  })

  it('gives no permit while it is closed, and never goes back to an earlier epoch', () => {
    const keepsClosed = (history: PaceCall[]) => {
      for (const { lease, before, after } of walk(history).steps) {
        if (after.closed === 1) expect(lease.permits).toBe(0)
        expect(after.epoch).toBeGreaterThanOrEqual(before.epoch)
      }
    }
    fc.assert(fc.property(histories(), keepsClosed), RUNS)
  })

  it('gives the permits of an epoch one after the other, no closer than the rate', () => {
    const isSpaced = (history: PaceCall[]) => {
      let [epoch, freeAt] = [-1, 0]
      for (const { ask, lease, after } of walk(history).steps) {
        if (lease.permits === 0 || after.closed !== 0) continue
        const firstAt = ask.now + lease.firstIn
        if (after.epoch === epoch) expect(firstAt).toBeGreaterThanOrEqual(freeAt - 1e-5)
        epoch = after.epoch
        freeAt = firstAt + lease.permits / lease.rate
      }
    }
    fc.assert(fc.property(histories([0]), isSpaced), RUNS)
  })

  it('asks in an outage with one call at a time, and less and less often', () => {
    const asksSeldom = (history: PaceCall[]) => {
      let [since, asked, gap] = [0, 0, 0]
      for (const { ask, lease, after } of walk(history).steps) {
        if (after.closed !== 2) continue
        if (after.closedAt !== since) [since, asked, gap] = [after.closedAt, after.closedAt, FIRST_PROBE_GAP]
        expect(lease.permits).toBeLessThanOrEqual(1)
        if (lease.permits === 0) continue
        expect(ask.now - asked).toBeGreaterThanOrEqual(gap - 1e-6)
        asked = ask.now
        gap = Math.min(LAST_PROBE_GAP, after.notBefore - ask.now)
      }
    }
    fc.assert(fc.property(histories(), asksSeldom), RUNS)
  })
})

describe('when everything is answered again', () => {
  /** Goes on from a history, asking as the leases say and each permit answered, until `isEnough`; gives the seconds. */
  function goOn(
    history: readonly PaceCall[],
    isEnough: (given: number, lease: PaceLease) => boolean,
  ): number {
    const { state, now } = walk(history)
    const startAt = Math.max(now, state.closed > 0 ? state.notBefore : 0)
    let given = 0
    let answered = { epoch: -1, answered: 0 }
    for (let passed = 0; passed < LONGEST_S; ) {
      const report = answered.answered > 0 ? { ...NOTHING, ...answered } : null
      const lease = stepPace(state, {
        want: 200,
        report,
        now: startAt + passed,
        ceiling: 10_000,
        horizon: 0.05,
      })
      answered = { epoch: state.epoch, answered: lease.permits }
      given += lease.permits
      if (isEnough(given, lease)) return passed
      passed += Math.max(0.004, Math.min(0.5, lease.wait))
    }
    return Number.POSITIVE_INFINITY
  }

  it('a permit comes within 70 s of the end of a closing, after any history', () => {
    const flows = (history: PaceCall[]) => {
      expect(goOn(history, (given) => given > 0)).toBeLessThanOrEqual(70)
    }
    fc.assert(fc.property(histories(), flows), RUNS)
  })

  it('the rate finds 10 a second within 10 min, however low it had fallen', () => {
    const recovers = (history: PaceCall[]) => {
      expect(goOn(history, (_, lease) => lease.rate >= 10)).toBeLessThanOrEqual(600)
    }
    fc.assert(fc.property(histories(), recovers), { ...RUNS, numRuns: 50 })
  })
})

const LONGEST_S = 3600
const NOTHING = {
  refused: 0,
  otherwise: 0,
  failed: 0,
  fresh: 0,
  unsent: 0,
  retryAfter: -1,
  slowestRefusal: 0,
  hint: 0,
}

describe('a limit that headers tell', () => {
  const CALM = { want: 0, ceiling: 1000, horizon: 0.05 }
  const told = (hint: number, epoch = 0) => ({ ...NOTHING, epoch, answered: 1, hint })

  it('counts also when it is told while the pace is closed', () => {
    const state = startPace(0)
    stepPace(state, { ...CALM, want: 20, report: null, now: 0 })
    stepPace(state, { ...CALM, report: { ...NOTHING, epoch: 0, answered: 0, refused: 3 }, now: 0.1 })
    stepPace(state, { ...CALM, report: told(5), now: 0.2 })
    expect(stepPace(state, { ...CALM, report: null, now: 1 }).rate).toBeLessThanOrEqual(5)
  })

  it('is the lower one of two that are told by turns, and the higher one a minute after the lower was told last', () => {
    const state = startPace(0)
    for (let now = 0; now < 10; now++) stepPace(state, { ...CALM, report: told(now % 2 === 0 ? 80 : 8), now })
    expect(state.base).toBeCloseTo(7.84)
    stepPace(state, { ...CALM, report: told(80), now: 69 })
    expect(state.base).toBeCloseTo(7.84)
    stepPace(state, { ...CALM, report: told(80), now: 70 })
    expect(state.base).toBeCloseTo(78.4)
  })
})

describe('a clock that is set back', () => {
  it('leaves everything as far ahead as it was', () => {
    const state = startPace(5000)
    const ask = { want: 5, ceiling: 1000, horizon: 0.05, report: null }
    stepPace(state, { ...ask, now: 5000 })
    stepPace(state, { ...ask, now: 1000 })
    expect(state.next - state.at).toBeLessThan(0.2)
    expect(stepPace(state, { ...ask, now: 1000.06 }).permits).toBe(5)
  })
})
