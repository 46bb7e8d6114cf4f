import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { runScript } from '../redis/scripts.js'
import { incidentKeys, loadIncidentScript } from './incidents.js'
import type { LeaseReport } from './reports.js'

const leaseScript = loadIncidentScript(
  new URL('./lease.lua', import.meta.url),
  new URL('./pace/pace.lua', import.meta.url),
  new URL('./suspicion.lua', import.meta.url),
)

const PACE_STATES = ['open', 'closed', 'outage'] as const

/** `closed`: after a 429, for the whole fleet. `outage`: Conduit is out, and one call at a time asks whether it is back. */
export type PaceStateName = (typeof PACE_STATES)[number]

/** Permits for the whole fleet's next few dozen milliseconds, evenly spaced. */
export interface Lease {
  readonly state: 'open' | 'probing' | 'held'
  readonly pace: PaceStateName
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
  /** Permits are handed out for so long ahead; a lease that takes long to come needs more. */
  readonly horizonMs: number
  /** Holds that time alone ends are lifted when it is over; else they wait for a person. */
  readonly autoResume: boolean
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
    limits.probeTimeoutMs,
    limits.maxRatePerSecond,
    limits.horizonMs,
    limits.autoResume ? 1 : 0,
    ...reportArguments(report),
  ]
  const names = [keys.gate, keys.pace, ...incidentKeys(keys)]
  const reply = (await runScript(redis, leaseScript, names, args)) as [Lease['state'], ...string[]]
  const [state, ...figures] = reply
  const [closed, permits, firstInMs, ratePerSecond, gateEpoch, paceEpoch, askAgainInMs] = figures.map(
    Number,
  ) as [number, number, number, number, number, number, number]
  return {
    state,
    pace: PACE_STATES[closed] ?? 'open',
    permits,
    firstInMs,
    spacingMs: 1000 / ratePerSecond,
    gateEpoch,
    paceEpoch,
    askAgainInMs,
    ratePerSecond,
  }
}

function reportArguments(report: LeaseReport | null): number[] {
  if (report === null) return []
  return [
    report.gateEpoch,
    report.paceEpoch,
    report.answered,
    report.refused,
    report.otherwise,
    report.failed,
    report.fresh,
    report.unsent,
    report.retryAfterMs ?? -1000,
    report.slowestRefusalMs,
    report.limitPerMinute,
  ]
}
