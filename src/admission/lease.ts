import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'

const leaseScript = loadScript(new URL('./lease.lua', import.meta.url))

/** What came of calls since the last lease, for one pair of epochs. */
export interface LeaseReport {
  readonly gateEpoch: number
  readonly paceEpoch: number
  readonly answered: number
  readonly refused: number
  readonly otherwise: number
  /** Longest Retry-After of the refusals, null when none carried one. */
  readonly retryAfterMs: number | null
}

/** Permits for the whole fleet's next few dozen milliseconds, evenly spaced. */
export interface Lease {
  readonly state: 'open' | 'probing' | 'held'
  readonly permits: number
  readonly firstInMs: number
  readonly spacingMs: number
  readonly gateEpoch: number
  readonly paceEpoch: number
  /** Asking again earlier gives nothing. */
  readonly askAgainInMs: number
  readonly ratePerSecond: number
}

export interface LeaseLimits {
  /** A probe that has not ended after this long is given up and another may go out. */
  readonly probeTimeoutMs: number
  readonly maxRatePerSecond: number
}

/** One round trip: reports in, permits out. `want` 0 only reports and looks. */
export async function askForLease(
  redis: Redis,
  keys: QueueKeys,
  want: number,
  report: LeaseReport | null,
  limits: LeaseLimits,
): Promise<Lease> {
  const args = [
    want,
    report?.gateEpoch ?? -1,
    report?.paceEpoch ?? -1,
    report?.answered ?? 0,
    report?.refused ?? 0,
    report?.otherwise ?? 0,
    report?.retryAfterMs ?? -1,
    limits.probeTimeoutMs,
    limits.maxRatePerSecond,
  ]
  const names = [keys.gate, keys.pace, keys.incident, keys.outbox, keys.incidents]
  const reply = (await runScript(redis, leaseScript, names, args)) as [
    Lease['state'],
    number,
    number,
    number,
    number,
    number,
    number,
    string,
  ]
  const [state, permits, firstUs, spacingUs, gateEpoch, paceEpoch, askAgainInMs, rate] = reply
  return {
    state,
    permits,
    firstInMs: firstUs / 1000,
    spacingMs: spacingUs / 1000,
    gateEpoch,
    paceEpoch,
    askAgainInMs,
    ratePerSecond: Number(rate),
  }
}
