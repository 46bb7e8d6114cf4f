import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import type { PaceStateName } from './lease.js'
import { BELOW_MEASURED, RECENT_SECONDS } from './pace/constants.js'
import type { PaceState } from './pace/state.js'

/** What a queue's pace is now, for people to see. */
export interface PaceFigures {
  readonly ratePerSecond: number
  /** The limit as far as refusals or headers have taught it, in requests per minute; null: none was met. */
  readonly learnedPerMinute: number | null
  /** `closed`: after a refusal, until `closedUntil`. `outage`: Conduit is out, and one call at a time asks for it. */
  readonly state: PaceStateName
  /** When the closing or the outage began: Unix ms, Redis time; null while the pace is open. */
  readonly since: number | null
  /** When the next call may go: Unix ms, Redis time; null while the pace is open. */
  readonly closedUntil: number | null
  /** Of the calls of about the last minute, the share that was refused; null when there were none. */
  readonly refusedShare: number | null
}

const FIELDS = [
  'rate',
  'base',
  'searching',
  'closed',
  'closedAt',
  'notBefore',
  'recentCalls',
  'recentRefusals',
  'at',
] as const satisfies readonly (keyof PaceState | 'rate')[]

/** Fewer calls than this in the last minute tell nothing. */
const LEAST_CALLS = 0.5

/** Reads what the lease script keeps of a queue's pace, which only its steps renew: time passes here too. */
export async function readPace(redis: Redis, keys: QueueKeys): Promise<PaceFigures> {
  const [stored, time] = await Promise.all([redis.hmget(keys.pace, ...FIELDS), redis.time()])
  const now = Number(time[0]) + Number(time[1]) / 1e6
  const [rate, base, searching, closed, closedAt, notBefore, calls, refusals, at] = stored.map((value) =>
    Number(value ?? 0),
  ) as [number, number, number, number, number, number, number, number, number]
  const hasLearned = stored[2] !== null && searching === 0
  const state = closed === 2 ? 'outage' : closed === 1 && notBefore > now ? 'closed' : 'open'
  const lately = calls * Math.exp((at - now) / RECENT_SECONDS)
  return {
    ratePerSecond: rate,
    // The base rate stays a little below what was measured.
    learnedPerMinute: hasLearned ? (base * 60) / BELOW_MEASURED : null,
    state,
    since: state === 'open' ? null : closedAt * 1000,
    closedUntil: state === 'open' ? null : notBefore * 1000,
    refusedShare: lately < LEAST_CALLS ? null : Math.min(1, refusals / calls),
  }
}
