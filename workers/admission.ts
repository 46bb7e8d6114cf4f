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

const LIMITS = {
  /** Longer than the default deadline of a call: then the probe is lost, and another may go out. */
  probeTimeoutMs: 330_000,
  maxRatePerSecond: 1000,
}

/** Permits leased from the queue's gate and pace, and BullMQ's pause following the gate. */
export function createAdmission(session: Session, keyHolder: KeyHolder, log: Logger): Admission {
  const { redis, keys, gate, completions } = session
  const permits = createPermits(
    (want, report) => askForLease(redis, keys, want, report, LIMITS),
    (error) => log.warn({ err: (error as Error).message }, 'admission.lease_failed'),
  )
  const mirror = createGateMirror({ queue: completions, gate, look: permits.refresh, keyHolder, log })
  return { permits, mirrorGate: mirror.sync }
}
