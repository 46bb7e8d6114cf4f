import type { Redis } from 'ioredis'
import { startPace } from '../../src/admission/pace/pace.js'
import type { PaceState } from '../../src/admission/pace/state.js'
import type { QueueKeys } from '../../src/redis/keys.js'

interface Place {
  readonly redis: Redis
  readonly keys: QueueKeys
}

/** Redis's clock, Unix seconds. */
export async function redisSeconds(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) + Number(micros) / 1e6
}

/** Writes what the pace was, so that no test has to wait for it. What is not told stays, or is as at the start. */
export async function setPace({ redis, keys }: Place, pace: Partial<PaceState>): Promise<void> {
  await redis.hset(keys.pace, pace)
}

/** A pace that is found already, in calls per second: it grows no more within a test. */
export function fixedPace(perSecond: number): Partial<PaceState> {
  return { base: perSecond, searching: 0, patience: 30 }
}

/** For tests that are not about the pace: nobody waits for it. */
export function raisePace(place: Place): Promise<void> {
  return setPace(place, { base: 1000 })
}

/** The state as the lease script left it. */
export async function readPaceState({ redis, keys }: Place): Promise<PaceState> {
  const stored = await redis.hgetall(keys.pace)
  const state = startPace(await redisSeconds(redis))
  return {
    ...state,
    ...Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, Number(value)])),
  }
}
