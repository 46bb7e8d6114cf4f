import type { ConcurrencySample, EndedCall } from './concurrency.js'
import type { CallResult, Permit, Permits } from './permits.js'

/** Counts what one process does for one queue: what concurrency follows. */
export interface CallGauge {
  /** The same permits, with every call counted. */
  readonly permits: Permits
  /** A job came. */
  enter(): void
  /** It went on, or back. */
  leave(): void
  /** What was seen since it was last taken. */
  take(): ConcurrencySample
  /** Calls that are out. */
  readonly inFlight: number
  /** Jobs that the process holds. */
  readonly held: number
}

/**
 * @param now milliseconds
 * @param onChange told of everything that is counted, often
 */
export function createCallGauge(permits: Permits, now: () => number, onChange: () => void): CallGauge {
  let [held, waiting, inFlight] = [0, 0, 0]
  let seen = fresh()

  function fresh() {
    return { held, permitted: held - waiting, waiting, begun: 0, ended: [] as EndedCall[] }
  }

  function changed(): void {
    seen.held = Math.max(seen.held, held)
    seen.permitted = Math.max(seen.permitted, held - waiting)
    seen.waiting = Math.min(seen.waiting, waiting)
    onChange()
  }

  function counted(permit: Permit): Permit {
    const beganAtMs = now()
    let out = true
    inFlight++
    seen.begun++
    return {
      epoch: permit.epoch,
      report(result) {
        permit.report(result)
        if (!out) return
        out = false
        inFlight--
        seen.ended.push({ kind: kindOf(result), beganAtMs })
        changed()
      },
    }
  }

  return {
    permits: {
      async acquire(lane, size) {
        waiting++
        try {
          const admission = await permits.acquire(lane, size)
          return admission.kind === 'go' ? { kind: 'go', permit: counted(admission.permit) } : admission
        } finally {
          waiting--
          changed()
        }
      },
      hold: permits.hold,
      recall: permits.recall,
      refresh: permits.refresh,
      close: permits.close,
      flush: permits.flush,
      get waiting() {
        return permits.waiting
      },
      get leased() {
        return permits.leased
      },
      get outage() {
        return permits.outage
      },
    },
    enter() {
      held++
      changed()
    },
    leave() {
      held--
      changed()
    },
    take() {
      const taken = seen
      seen = fresh()
      return taken
    },
    get inFlight() {
      return inFlight
    },
    get held() {
      return held
    },
  }
}

function kindOf(result: CallResult): EndedCall['kind'] {
  switch (result.kind) {
    case 'answered':
    case 'otherwise':
      return 'answered'
    case 'failed':
      return 'failed'
    case 'refused':
    case 'unsent':
      return 'refused'
  }
}
