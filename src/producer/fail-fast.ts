import { setTimeout as delay } from 'node:timers/promises'
import { isFull, RedisFull } from '../redis/full.js'
import { asUnavailable, RedisUnavailable } from '../redis/unavailable.js'

/** A Redis that accepts a command and does not answer it is as good as away. */
const DEADLINE_MS = 5000
/** Who waits for an answer anyway bears with a Redis that restarts. */
const PATIENCE_MS = 60_000
const AGAIN_MS = 250

/**
 * Gives what `work` gives, or fails within seconds, whatever Redis does.
 * @param place the Redis, without its password
 * @throws RedisUnavailable, RedisFull, and what `work` throws for other reasons
 */
export async function failFast<T>(place: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RedisUnavailable(place, timedOut())), DEADLINE_MS)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw asTypedError(error, place)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Tries again while Redis is away, for a minute.
 * @throws RedisUnavailable, the signal's reason, and what `work` throws for other reasons
 */
export async function bearWith<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RedisUnavailable) || performance.now() >= until) throw error
      signal?.throwIfAborted()
      await delay(AGAIN_MS)
    }
  }
}

function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })
}

function asTypedError(error: unknown, place: string): unknown {
  return isFull(error) ? new RedisFull(place, 'entirely') : asUnavailable(error, place)
}
