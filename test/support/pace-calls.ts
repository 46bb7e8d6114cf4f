import fc from 'fast-check'
import type { PaceAsk, PaceReport, PaceState } from '../../src/admission/pace/state.js'

/** One ask of a fleet, told by its distance from the one before: the same history fits any state. */
export interface PaceCall {
  readonly afterS: number
  readonly want: number
  readonly ceiling: number
  readonly horizon: number
  /** `epochsAgo`: of how old an epoch it is. */
  readonly report: (Omit<PaceReport, 'epoch'> & { readonly epochsAgo: number }) | null
}

const someCount = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 }))

/** What may be reported, true or not: a report can get through twice, and workers die with permits. */
const report = fc.record({
  epochsAgo: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 2 })),
  answered: someCount,
  refused: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20 })),
  otherwise: fc.constantFrom(0, 0, 0, 1),
  failed: someCount,
  fresh: fc.constantFrom(0, 0, 1, 4, 12),
  unsent: fc.constantFrom(0, 0, 1, 7),
  retryAfter: fc.constantFrom(-1, 0, 0.4, 1, 2, 7.5, 30, 60, 119, 121, 2_592_000),
  slowestRefusal: fc.double({ min: 0, max: 3, noNaN: true }),
  hint: fc.constant(0),
})

const gap = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 0.2, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 5, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(15, 60, 130, 28_800) },
)

/** @param hints limits (calls per second) that headers may tell; 0: none is told */
export function paceCalls(
  hints: readonly number[] = [0],
  ceilings = [50, 1000, 10_000],
): fc.Arbitrary<PaceCall> {
  const told = fc.tuple(report, fc.constantFrom(...hints)).map(([sum, hint]) => ({ ...sum, hint }))
  return fc.record({
    afterS: gap,
    want: fc.constantFrom(0, 1, 2, 7, 50, 200),
    ceiling: fc.constantFrom(...ceilings),
    horizon: fc.constantFrom(0.05, 0.052, 0.25),
    report: fc.option(told, { freq: 3 }),
  })
}

/** The call as it is made on a state. */
export function askOf(state: PaceState, { want, ceiling, horizon, report }: PaceCall, now: number): PaceAsk {
  if (report === null) return { want, report, now, ceiling, horizon }
  const { epochsAgo, ...sums } = report
  return { want, report: { ...sums, epoch: Math.max(0, state.epoch - epochsAgo) }, now, ceiling, horizon }
}
