import { Redis, type RedisOptions } from 'ioredis'
import { addressOf, describeTarget, type RedisTarget } from './target.js'
import { RedisConnectionLost, RedisUnavailable } from './unavailable.js'

export type { RedisTarget } from './target.js'

/** `client`: its commands fail soon when Redis is away. `worker`: they wait until it is back. */
export type RedisRole = 'client' | 'worker'

/** A worker that is not heard of for 6 s counts as dead (completions/late-workers.ts): it must be back well before. */
const LONGEST_RETRY_DELAY_MS = 1_000
/** So often a Redis is asked that loads its data. */
const LONGEST_LOADING_RETRY_MS = 1_000
/** From the first attempt to a Redis that takes commands; a worker may find one that still loads its data. */
const FIRST_CONNECTION_MS = { client: 10_000, worker: 60_000 } as const

/**
 * Connects and resolves once Redis takes commands. After that a lost connection is taken up again by itself, for
 * ever; `onError` hears of each loss (RedisConnectionLost), and neither it nor any error here holds the password.
 * @throws InvalidRedisUrl, RedisUnavailable when the first connection fails
 */
export async function connectRedis(
  target: RedisTarget,
  role: RedisRole,
  onError?: (error: RedisConnectionLost) => void,
): Promise<Redis> {
  const redis = new Redis({ ...addressOf(target), ...behaviourOf(role) })
  const place = describeTarget(target)
  let cause: unknown
  let connected = false
  // ioredis prints errors that nobody listens to; without `onError` they still reject the commands they meet.
  redis.on('error', (error: Error) => {
    cause = error
    if (connected) onError?.(new RedisConnectionLost(place, error))
  })
  const deadline = setTimeout(() => redis.disconnect(), FIRST_CONNECTION_MS[role])
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw new RedisUnavailable(place, cause ?? error)
  } finally {
    clearTimeout(deadline)
  }
  connected = true
  return redis
}

function behaviourOf(role: RedisRole) {
  return {
    lazyConnect: true,
    connectTimeout: 5_000,
    // BullMQ's workers demand null; a client's command is refused after about a second without a connection.
    maxRetriesPerRequest: role === 'worker' ? null : 3,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, LONGEST_RETRY_DELAY_MS) + jitterMs(),
    maxLoadingRetryTime: LONGEST_LOADING_RETRY_MS,
  } satisfies RedisOptions
}

/** Spreads the reconnections of a fleet after a restart. */
function jitterMs(): number {
  return Math.random() * 100
}
