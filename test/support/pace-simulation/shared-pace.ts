import { stepPace } from '../../../src/admission/pace/pace.js'
import type { PaceLease, PaceReport, PaceState } from '../../../src/admission/pace/state.js'
import type { VirtualClock } from './clock.js'

export interface SimulatedLease {
  readonly lease: PaceLease
  readonly epoch: number
  readonly isOpen: boolean
}

/** The pace of a fleet as its lease script has it: one state, half a round trip away. */
export interface SharedPace {
  ask(want: number, reports: readonly PaceReport[], answer: (lease: SimulatedLease) => void): void
}

/** @param roundTrip to Redis and back, s */
export function createSharedPace(
  clock: VirtualClock,
  state: PaceState,
  { ceiling, roundTrip }: { readonly ceiling: number; readonly roundTrip: number },
): SharedPace {
  const step = (want: number, report: PaceReport | null): PaceLease =>
    stepPace(state, { want, report, now: clock.now, ceiling, horizon: 0.05 + 2 * roundTrip })

  return {
    ask(want, reports, answer) {
      clock.in(roundTrip / 2, () => {
        for (const report of reports.slice(0, -1)) step(0, report)
        const lease = step(want, reports.at(-1) ?? null)
        const told = { lease, epoch: state.epoch, isOpen: state.closed === 0 }
        clock.in(roundTrip / 2, () => answer(told))
      })
    },
  }
}
