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
/** A client gives up a command after this long, though the connection seems to be there. */
const CLIENT_COMMAND_MS = 10_000
/**
 * A connection on which commands wait and nothing at all comes back is given up for a new one: packets may vanish
 * without a word. A worker's waits longer than a Redis that is stopped for 20 s, since a new connection repeats the
 * commands; and than BullMQ's blocking ones, which end after 10 s at most.
 */
const SILENT_MS = { client: 15_000, worker: 30_000 } as const
/** On an idle connection the system asks after this long whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000

/**
 * Connects and resolves once Redis takes commands. After that a lost connection is taken up again by itself, for
 * ever; `onError` hears of each loss (RedisConnectionLost), and neither it nor any error here holds the password.
 * BullMQ's workers duplicate a connection with all of this.
 * @param silentMs for tests
 * @throws InvalidRedisUrl, RedisUnavailable when the first connection fails
 */
export async function connectRedis(
  target: RedisTarget,
  role: RedisRole,
  onError?: (error: RedisConnectionLost) => void,
  silentMs: number = SILENT_MS[role],
): Promise<Redis> {
  const redis = new Redis({ ...addressOf(target), ...behaviourOf(role, silentMs) })
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

function behaviourOf(role: RedisRole, silentMs: number) {
  return {
    lazyConnect: true,
    connectTimeout: 5_000,
    keepAlive: KEEP_ALIVE_MS,
    socketTimeout: silentMs,
    // BullMQ's workers demand null; a client's command is refused after about a second without a connection.
    maxRetriesPerRequest: role === 'worker' ? null : 3,
    ...(role === 'client' ? { commandTimeout: CLIENT_COMMAND_MS } : {}),
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** attempt, LONGEST_RETRY_DELAY_MS) + jitterMs(),
    maxLoadingRetryTime: LONGEST_LOADING_RETRY_MS,
  } satisfies RedisOptions
}

/** Spreads the reconnections of a fleet after a restart. */
function jitterMs(): number {
  return Math.random() * 100
}
