import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RedisUnavailable } from '../../src/index.js'
import { createLogThrottle } from '../../src/log-throttle.js'
import { asUnavailable, RedisConnectionLost } from '../../src/redis/unavailable.js'
import { type RedisChange, redisWords, tellOnce, watchRedis } from '../../src/redis/watch.js'

const MISCONF = 'MISCONF Errors writing to the AOF file: No space left on device'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

test('a Redis whose disk is full answers: that it can not write is said once, and that it can again', async () => {
  let full = true
  const ping = () => (full ? Promise.reject(new Error(MISCONF)) : Promise.resolve('PONG'))
  const told: string[] = []
  const tell = tellOnce((change: RedisChange) => told.push(redisWords(change)))
  const redis = { ping } as unknown as Redis
  const ends = [true, false].map((refused) => watchRedis(redis, 'redis://there', tell, refused))
  await vi.advanceTimersByTimeAsync(10_000)
  full = false
  await vi.advanceTimersByTimeAsync(5_000)
  for (const end of ends) end()
  expect(told).toEqual([
    "Redis at redis://there can't write to its disk (no space left?): free some space there. Nothing is lost: this " +
      'goes on by itself when Redis can write again.',
    expect.stringMatching(
      /^Redis at redis:\/\/there can write to its disk again, after 1[0-9] s\. It goes on\.$/,
    ),
  ])
})

test('a command that it refuses fails with a code of its own', () => {
  const inScript = new Error(`${MISCONF} script: 1b2c, on @user_script:7.`)
  expect(asUnavailable(inScript, 'redis://there')).toMatchObject({ code: 'redis_unwritable' })
  expect(asUnavailable(new Error('LOADING'), 'redis://there')).toBeInstanceOf(RedisUnavailable)
})

test('only a network address may want TLS', () => {
  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  expect(new RedisConnectionLost('redis://there:6379/0', cut).message).toContain('rediss://')
  expect(new RedisConnectionLost('the socket /d/redis.sock', cut).message).toBe(
    'Redis at the socket /d/redis.sock: it closed the connection',
  )
})

test('the log has such a refusal once in 10 s for each event, and everything else', () => {
  let now = 0
  const mayLog = createLogThrottle(() => now)
  const full = "OOM command not allowed when used memory > 'maxmemory'."
  expect(mayLog({ err: MISCONF }, 'housekeeping.failed')).toBe(true)
  expect(mayLog({ err: new Error(full) }, 'housekeeping.failed')).toBe(false)
  expect(mayLog({ err: new Error(full) }, 'inbox.trouble')).toBe(true)
  for (let i = 0; i < 2; i++) expect(mayLog({ err: 'another' }, 'housekeeping.failed')).toBe(true)
  expect(mayLog({ batchId: 'b' }, 'batch.completed')).toBe(true)
  now = 10_000
  expect(mayLog({ err: MISCONF }, 'housekeeping.failed')).toBe(true)
})
