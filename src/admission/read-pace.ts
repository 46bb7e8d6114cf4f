import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'

/** What a queue's pace is now, for people to see. */
export interface PaceFigures {
  readonly ratePerSecond: number
  /** The limit as far as refusals or headers have taught it, in requests per minute; null: none was met. */
  readonly learnedPerMinute: number | null
  /** `closed`: after a refusal, until `closedUntil`. `outage`: Conduit is out, and one call at a time asks for it. */
  readonly state: 'open' | 'closed' | 'outage'
  /** When the closing or the outage began: Unix ms, Redis time; null while the pace is open. */
  readonly since: number | null
  /** Unix ms, Redis time; null while the pace is open. */
  readonly closedUntil: number | null
  /** Of the calls of about the last minute, the share that was refused; null when there were none. */
  readonly refusedShare: number | null
}

/** Reads what the lease script keeps of a queue's pace. */
export async function readPace(redis: Redis, keys: QueueKeys): Promise<PaceFigures> {
  const rate = await redis.hget(keys.pace, 'rate')
  return {
    ratePerSecond: Number(rate ?? 0),
    learnedPerMinute: null,
    state: 'open',
    since: null,
    closedUntil: null,
    refusedShare: null,
  }
}
