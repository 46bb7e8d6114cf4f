import type { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { connectRedis } from '../../src/redis/connect.js'
import { type RedisChange, redisWords, tellOnce, watchRedis } from '../../src/redis/watch.js'
import { eventually } from '../support/eventually.js'
import { uniquePrefix } from '../support/redis.js'
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.js'

const SILENT_MS = 4_500
const opened: Redis[] = []

afterEach(() => {
  for (const redis of opened.splice(0)) redis.disconnect()
})

async function watched(tell: (change: RedisChange) => void = () => undefined) {
  const proxy: RedisProxy = await startRedisProxy()
  const redis = await connectRedis({ url: proxy.url }, 'worker', undefined, SILENT_MS)
  opened.push(redis)
  const told: string[] = []
  const end = watchRedis(redis, 'redis://there', (change) => {
    told.push(change.kind)
    tell(change)
  })
  return { proxy, redis, told, end, id: await redis.client('ID') }
}

test('a half-open connection is given up for a new one; one that only stalls, or blocks, is kept', async () => {
  const words: string[] = []
  const tell = tellOnce((change) => words.push(redisWords(change)))
  const [half, stalled] = await Promise.all([watched(tell), watched(tell)])
  const key = `{${uniquePrefix()}}:z`
  const blocking = half.redis.duplicate()
  blocking.on('error', () => undefined)
  opened.push(blocking)
  await blocking.ping()
  half.proxy.halfOpen()
  stalled.proxy.stall()
  const waiting = half.redis.set(key, 'x')
  const popped = blocking.bzpopmin(`${key}:jobs`, 1)
  await eventually('both are away', () => half.told.length + stalled.told.length === 2)
  stalled.proxy.flow()
  await eventually('the stalled one is back', () => stalled.told[1] === 'back')
  expect(await stalled.redis.client('ID')).toBe(stalled.id)

  expect(await waiting).toBe('OK')
  expect(await half.redis.client('ID')).not.toBe(half.id)
  await eventually('the other is back too', () => half.told[1] === 'back')
  // BullMQ's blocking connections are duplicates: they are given up in the same way.
  expect(await popped).toBeNull()
  expect(words).toEqual([
    'Redis at redis://there does not answer. Nothing is lost: this goes on by itself when Redis is back.',
    expect.stringMatching(/^Redis at redis:\/\/there answers again, after \d+ s\. It goes on\.$/),
  ])
  half.end()
  stalled.end()
})
