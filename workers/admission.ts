import type { Logger } from 'pino'
import { askForLease } from '../src/admission/lease.js'
import { createPermits, type Permits } from '../src/admission/permits.js'
import type { Session } from '../src/batches/session.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import { createGateMirror } from './gate-mirror.js'

/** One process's part in a queue's admission. */
export interface Admission {
  readonly permits: Permits
  readonly mirrorGate: () => Promise<void>
}

/** Longer than the default deadline of a call: then the probe is lost, and another may go out. */
const PROBE_TIMEOUT_MS = 330_000
/** More than any fleet sends: growth ends somewhere. */
const MOST_PER_SECOND = 100_000

export interface AdmissionOptions {
  /** Ceiling of the pace; null: as fast as Conduit takes them. */
  readonly requestsPerMinute?: number | null
  /** False: no hold of Conduit's lifts here by itself, a person does it. */
  readonly autoResume?: boolean
}

/** Permits leased from the queue's gate and pace, and BullMQ's pause following the gate. */
export function createAdmission(
  session: Session,
  keyHolder: KeyHolder,
  log: Logger,
  { requestsPerMinute = null, autoResume = true }: AdmissionOptions = {},
): Admission {
  const { redis, keys, gate, completions } = session
  const limits = {
    probeTimeoutMs: PROBE_TIMEOUT_MS,
    maxRatePerSecond: Math.min(MOST_PER_SECOND, (requestsPerMinute ?? Number.POSITIVE_INFINITY) / 60),
    autoResume,
  }
  const permits = createPermits(
    (want, report, horizonMs) => askForLease(redis, keys, want, report, { ...limits, horizonMs }),
    (error) => log.warn({ err: (error as Error).message }, 'admission.lease_failed'),
  )
  const mirror = createGateMirror({
    queue: completions,
    gate,
    look: permits.refresh,
    keyHolder,
    autoResume,
    log,
  })
  return { permits, mirrorGate: mirror.sync }
}
