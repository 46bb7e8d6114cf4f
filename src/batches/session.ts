import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createGate, type Gate } from '../admission/gate.js'
import { COMPLETIONS, DEAD_LETTERS, openQueue } from '../completions/queues.js'
import { connectRedis } from '../redis/connect.js'
import { isFull, RedisFull } from '../redis/full.js'
import { assertDurable, inspectRedis } from '../redis/inspect.js'
import { type QueueKeys, queueKeys, registryKey } from '../redis/keys.js'
import { RedisStartFailed } from '../redis/server/errors.js'
import { joinServer } from '../redis/server/join.js'
import { describeTarget, type RedisTarget } from '../redis/target.js'
import { asUnavailable } from '../redis/unavailable.js'
import { isUnwritable } from '../redis/unwritable.js'
import { type RedisChange, watchRedis } from '../redis/watch.js'
import { type BatchStore, createBatchStore } from './batch-store.js'
import { probeRoom, writingTo } from './disk-trouble.js'

/** A way to Redis that this process holds open: some server's URL, or the private server while we are its client. */
export interface RedisAccess {
  readonly target: RedisTarget
  /** Leaves the private server, which stops with its last client. */
  leave(): Promise<void>
}

/** Where Redis is to be found: the fields of the configuration that say so. */
export interface RedisPlace {
  readonly redisUrl: string | null
  readonly dataDirectory: string
  /** PATH, where a redis-server is looked for. */
  readonly searchPath: string
}

/**
 * Finds the Redis to use: a URL, or the private server of a data directory, started when it is not running.
 * @param onError hears of a private server that died and could not be started again yet
 * @throws RedisNotInstalled, RedisStartFailed, DiskFull, DiskUnwritable
 */
export async function accessRedis(
  place: RedisPlace,
  onError: (error: unknown) => void,
): Promise<RedisAccess> {
  if (place.redisUrl !== null) return { target: { url: place.redisUrl }, leave: async () => {} }
  const { dataDirectory: dataDir, searchPath } = place
  try {
    const { socketPath, leave } = await writingTo(dataDir, () => joinServer({ dataDir, searchPath, onError }))
    return { target: { socketPath }, leave }
  } catch (error) {
    // It can't tell why it did not start when its log has no room either.
    if (error instanceof RedisStartFailed) await probeRoom(dataDir)
    throw error
  }
}

/** One queue, opened for work or to look at it. */
export interface Session {
  readonly queue: string
  /** The Redis, without its password. */
  readonly place: string
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly gate: Gate
  readonly store: BatchStore
  readonly completions: Queue
  readonly deadLetters: Queue
  readonly close: () => Promise<void>
}

export interface SessionOptions {
  readonly target: RedisTarget
  readonly keyPrefix: string
  readonly queue: string
  /** `client` fails fast when Redis is away, `worker` waits for it. */
  readonly role: 'client' | 'worker'
  readonly onRedisLost: (error: Error) => void
  /** Told when Redis does not answer for seconds or can't write its files, and when it does again. */
  readonly onRedisChange?: (change: RedisChange) => void
  /** What the server's settings may cost: no AOF, for one. */
  readonly onWarning: (warning: string) => void
}

/** @throws RedisUnavailable, RedisFull, RedisUnwritable (a worker's), EvictingRedis, RedisTooOld, InvalidQueueName */
export async function openSession(options: SessionOptions): Promise<Session> {
  const keys = queueKeys(options.keyPrefix, options.queue)
  const redis = await connectRedis(options.target, options.role, options.onRedisLost)
  const place = describeTarget(options.target)
  let refused = false
  try {
    for (const warning of assertDurable(await inspectRedis(redis))) options.onWarning(warning)
    await redis.sadd(registryKey(options.keyPrefix), options.queue).catch((error: unknown) => {
      // Who only looks can do so.
      if (options.role === 'worker' || !isUnwritable(error)) throw error
      refused = true
    })
  } catch (error) {
    redis.disconnect()
    throw isFull(error) ? new RedisFull(place, 'entirely') : asUnavailable(error, place)
  }
  const completions = openQueue(COMPLETIONS, redis, keys)
  const deadLetters = openQueue(DEAD_LETTERS, redis, keys)
  const unwatch = watchRedis(redis, place, options.onRedisChange ?? (() => undefined), refused)
  return {
    queue: options.queue,
    place,
    redis,
    keys,
    gate: createGate(redis, keys, options.queue),
    store: createBatchStore(redis, keys),
    completions,
    deadLetters,
    async close() {
      unwatch()
      await Promise.all([completions.close(), deadLetters.close()])
      redis.disconnect()
    },
  }
}
