import { performance } from 'node:perf_hooks'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import type { Endings } from './endings.js'

/** What the calls of a queue are at now: of one process, or of all of them. */
export interface Gauges {
  /** Calls that are out. */
  readonly inFlight: number
  /** Permits that were leased and are not used yet. */
  readonly leased: number
  /** How many requests may be worked on at once. */
  readonly concurrency: number
}

/** One process's gauges in Redis. */
export interface OwnGauges {
  /** Writes them when they have changed, and now and then when they have not. */
  write(): Promise<void>
}

/** Whoever took us for dead, or a Redis that lost its memory, has removed them: after so long they are there again. */
const REFRESH_MS = 5000

/**
 * Keeps the gauges of this process where others see them. `dropGauges` takes them away.
 * @param name this worker, as in its heartbeat
 * @param look gives them as they are now
 * @param monotonicMs a clock that nobody sets
 */
export function createGauges(
  redis: Redis,
  keys: QueueKeys,
  name: string,
  look: () => Gauges & Endings,
  monotonicMs: () => number = () => performance.now(),
): OwnGauges {
  let written = ''
  let writtenAtMs = Number.NEGATIVE_INFINITY
  return {
    async write() {
      const { inFlight, leased, concurrency, autoResume, topUps } = look()
      const now = JSON.stringify({ inFlight, leased, concurrency, autoResume, topUps })
      const nowMs = monotonicMs()
      if (now === written && nowMs - writtenAtMs < REFRESH_MS) return
      await redis.hset(keys.gauges, name, now)
      written = now
      writtenAtMs = nowMs
    },
  }
}

/** Takes the gauges of workers away: they left, or are dead. */
export async function dropGauges(redis: Redis, keys: QueueKeys, names: readonly string[]): Promise<void> {
  if (names.length > 0) await redis.hdel(keys.gauges, ...names)
}

/**
 * Sums gauges over the workers that are alive.
 * @param written what is in `keys.gauges`: JSON by worker
 * @param alive names of those whose heartbeat is fresh
 */
export function sumGauges(written: Readonly<Record<string, string>>, alive: readonly string[]): Gauges {
  const sum = { inFlight: 0, leased: 0, concurrency: 0 }
  for (const name of alive) {
    const gauges = JSON.parse(written[name] ?? '{}') as Partial<Gauges>
    sum.inFlight += gauges.inFlight ?? 0
    sum.leased += gauges.leased ?? 0
    sum.concurrency += gauges.concurrency ?? 0
  }
  return sum
}
