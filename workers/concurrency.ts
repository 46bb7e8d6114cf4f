import { createCallGauge } from '../src/admission/call-gauge.js'
import { type ConcurrencyState, followConcurrency, startConcurrency } from '../src/admission/concurrency.js'
import type { Permits } from '../src/admission/permits.js'

/** How many jobs one process holds for one queue: as many as are of use, by what becomes of its calls. */
export interface Concurrency {
  /** To be used in place of those given: they count the calls. */
  readonly permits: Permits
  /** A job came. */
  readonly enter: () => void
  /** It went on, or back. */
  readonly leave: () => void
  /** Jobs that the process may hold now. */
  readonly limit: number
  /** Calls that are out. */
  readonly inFlight: number
  /** The bound may change while calls are made. */
  setCeiling(ceiling: number): void
  /** The limit changes no more. */
  close(): void
}

/** Often enough to double within a call of 200 ms; the first look is so long after the first change. */
const LOOK_MS = 50
/** While jobs are held and nothing changes: answers may take a minute, and growth does not wait for them. */
const LOOK_IN_SILENCE_MS = 250

/** @param apply told of every new limit */
export function startFollowingConcurrency(
  permits: Permits,
  ceilingAtFirst: number,
  apply: (limit: number) => void,
): Concurrency {
  let ceiling = ceilingAtFirst
  let state: ConcurrencyState = startConcurrency(ceiling, performance.now())
  let next: NodeJS.Timeout | null = null
  let silent = true
  let closed = false
  const gauge = createCallGauge(
    permits,
    () => performance.now(),
    () => {
      if (silent) lookIn(LOOK_MS)
    },
  )

  function lookIn(ms: number): void {
    if (next !== null) clearTimeout(next)
    silent = ms !== LOOK_MS
    next = closed ? null : setTimeout(look, ms)
  }

  function look(): void {
    next = null
    silent = true
    const { limit } = state
    state = followConcurrency(state, gauge.take(), ceiling, performance.now())
    if (gauge.held > 0) lookIn(LOOK_IN_SILENCE_MS)
    if (state.limit !== limit) apply(state.limit)
  }

  return {
    permits: gauge.permits,
    enter: gauge.enter,
    leave: gauge.leave,
    get limit() {
      return state.limit
    },
    get inFlight() {
      return gauge.inFlight
    },
    setCeiling(value) {
      if (closed || value === ceiling) return
      ceiling = value
      look()
    },
    close() {
      closed = true
      if (next !== null) clearTimeout(next)
    },
  }
}
