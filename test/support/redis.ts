import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { inject } from 'vitest'
import { connectRedis, type RedisRole, type RedisTarget } from '../../src/redis/connect.js'
import { putAwayAfterAll } from './put-away.js'

const prefixes = new Set<string>()
const connections = new Set<Redis>()

/** The Redis of this test run (test/support/global-setup.ts). */
export function redisTarget(): RedisTarget {
  return { url: inject('redisUrl') }
}

/** A key prefix that no other test file has; its keys are deleted when the file is done. */
export function uniquePrefix(): string {
  const prefix = `t-${randomBytes(6).toString('hex')}`
  prefixes.add(prefix)
  return prefix
}

/** A connection that is closed when the file is done. */
export async function connectForTest(role: RedisRole = 'client'): Promise<Redis> {
  const redis = await connectRedis(redisTarget(), role)
  connections.add(redis)
  return redis
}

// Registered on import, so it runs after the file's own hooks (vitest runs them last in, first out).
putAwayAfterAll(async () => {
  if (prefixes.size > 0) await deleteKeys(await connectForTest())
  for (const redis of connections) redis.disconnect()
  connections.clear()
})

async function deleteKeys(redis: Redis): Promise<void> {
  for (const prefix of prefixes) {
    for await (const keys of redis.scanStream({ match: `{${prefix}[:}]*`, count: 1000 })) {
      if (Array.isArray(keys) && keys.length > 0) await redis.unlink(...keys.map(String))
    }
  }
  prefixes.clear()
}
