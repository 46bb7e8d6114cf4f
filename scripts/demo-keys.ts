import { connectRedis } from '../src/redis/connect.js'

/**
 * Deletes every key under a prefix.
 * @throws InvalidRedisUrl, RedisUnavailable
 */
export async function deleteKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = await connectRedis({ url: redisUrl }, 'client')
  try {
    // `demo-12` must not match the keys of `demo-123`.
    for await (const found of redis.scanStream({ match: `{${prefix}[:}]*`, count: 1000 })) {
      const keys = found as string[]
      if (keys.length > 0) await redis.unlink(...keys)
    }
  } finally {
    redis.disconnect()
  }
}
