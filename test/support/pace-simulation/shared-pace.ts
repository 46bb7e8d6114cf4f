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

const ONE_WAY_S = 0.0005

export function createSharedPace(clock: VirtualClock, state: PaceState, ceiling: number): SharedPace {
  const step = (want: number, report: PaceReport | null): PaceLease =>
    stepPace(state, { want, report, now: clock.now, ceiling })

  return {
    ask(want, reports, answer) {
      clock.in(ONE_WAY_S, () => {
        for (const report of reports.slice(0, -1)) step(0, report)
        const lease = step(want, reports.at(-1) ?? null)
        const told = { lease, epoch: state.epoch, isOpen: state.closed === 0 }
        clock.in(ONE_WAY_S, () => answer(told))
      })
    },
  }
}
