import { getActiveResourcesInfo, kill } from 'node:process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MOST_OPEN_REQUESTS } from '../../src/batches/inbox/reserve.js'
import { openSession } from '../../src/batches/session.js'
import { INBOX_BATCH } from '../../src/completions/request.js'
import { createProducer, InboxFull, type Producer, RedisFull, RedisUnavailable } from '../../src/index.js'
import { connectRedis } from '../../src/redis/connect.js'
import { readMemory } from '../../src/redis/inspect.js'
import { queueKeys } from '../../src/redis/keys.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { startTestRoles, temporaryDirectory } from '../support/roles.js'

const FEW_SECONDS_MS = 20_000
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hello' }] }

describe.skipIf(serverBinary === null)('with a Redis of its own', () => {
  let redis: PrivateRedis
  let producer: Producer
  beforeEach(async () => {
    redis = await startPrivateRedis()
    producer = createProducer({ redis: redis.url, dataDirectory: await temporaryDirectory() })
  })
  afterEach(async () => {
    await producer.close()
    await redis.stop()
  })

  /** Every way in fails soon, with the same typed error. */
  async function expectAllToFail(): Promise<void> {
    const began = performance.now()
    const calls = [
      producer.enqueue(CHAT),
      producer.handle('req_0_000000000000'),
      producer.submitBatch([{ prompt: 'hello' }], { model: 'm' }),
    ]
    for (const end of await Promise.allSettled(calls)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'redis_unavailable' } })
      expect(end.status === 'rejected' && end.reason).toBeInstanceOf(RedisUnavailable)
    }
    expect(performance.now() - began).toBeLessThan(FEW_SECONDS_MS)
  }

  it('everything fails fast while it is away, from the first call on, and works once it is there', async () => {
    await redis.kill()
    await expectAllToFail()
    await redis.restart()
    const request = await producer.enqueue(CHAT)
    expect(await request.status()).toBe('waiting')

    await redis.kill()
    await expectAllToFail()
    await expect(request.status()).rejects.toThrow(RedisUnavailable)
    await expect(request.result()).rejects.toThrow(RedisUnavailable)
    await redis.restart()
    await eventually('it is reached again', () =>
      request.status().then(
        (status) => status === 'waiting',
        () => false,
      ),
    )
  })

  it('a producer can be closed while it is away, and whoever waits is told', async () => {
    const request = await producer.enqueue(CHAT)
    const waited = expect(request.result()).rejects.toMatchObject({ code: 'producer_closed' })
    await untilListening(redis)
    await redis.kill()
    const began = performance.now()
    await producer.close()
    await waited
    expect(performance.now() - began).toBeLessThan(FEW_SECONDS_MS)
  })

  it('everything fails fast while it takes commands and answers none', async () => {
    await producer.enqueue(CHAT)
    kill(redis.pid, 'SIGSTOP')
    try {
      await expectAllToFail()
    } finally {
      kill(redis.pid, 'SIGCONT')
    }
  })

  it('whoever waits first while it answers nothing leaves no connection behind', async () => {
    const open = () => getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const before = open()
    const request = await producer.enqueue(CHAT)
    kill(redis.pid, 'SIGSTOP')
    try {
      await expect(request.result()).rejects.toThrow(RedisUnavailable)
      await producer.close()
      await eventually('all are closed', () => open() <= before)
    } finally {
      kill(redis.pid, 'SIGCONT')
    }
  })

  it('a result is waited for across its restart, and a custom id across the outage is one call', async () => {
    const request = await producer.enqueue(CHAT, { customId: 'one' })
    const waited = request.result()
    await untilListening(redis)
    await redis.kill()
    await expect(producer.enqueue(CHAT, { customId: 'one' })).rejects.toThrow(RedisUnavailable)
    await redis.restart()
    const session = await openSession({
      target: { url: redis.url },
      keyPrefix: 'cb',
      queue: 'default',
      role: 'worker',
      onRedisLost: () => undefined,
      onWarning: () => undefined,
    })
    const conduit = await scriptConduit(() => completion('hello yourself'))
    const roles = await startTestRoles(session, conduit)
    expect(await waited).toMatchObject({ kind: 'completed', customId: 'one' })
    const again = await producer.enqueue(CHAT, { customId: 'one' })
    expect(again.id).toBe(request.id)
    expect(conduit.calls).toHaveLength(1)
    await roles.close(0)
    await session.close()
  })
})

/** Whoever waits for results is subscribed. */
async function untilListening({ url }: PrivateRedis): Promise<void> {
  const redis = await connectRedis({ url }, 'client')
  const { answered } = queueKeys('cb', 'default').inbox
  await eventually('it listens', async () => Number((await redis.pubsub('NUMSUB', answered))[1]) === 1)
  redis.disconnect()
}

describe.skipIf(serverBinary === null)('a Redis that is full', () => {
  it('is told as such', async () => {
    const redis = await startPrivateRedis(['--maxmemory', '1mb'])
    const producer = createProducer({ redis: redis.url })
    await expect(producer.enqueue(CHAT)).rejects.toThrow(RedisFull)
    await producer.close()
    await redis.stop()
  })

  it('is told before it is, so that workers have room to work; and there is none for endless requests', async () => {
    const redis = await startPrivateRedis()
    const producer = createProducer({ redis: redis.url })
    const own = await connectRedis({ url: redis.url }, 'client')
    await producer.enqueue(CHAT)
    await own.config('SET', 'maxmemory', Math.round((await readMemory(own)).usedBytes * 1.2))
    await eventually('it is refused', () =>
      producer.enqueue(CHAT).then(
        () => false,
        (error) => error instanceof RedisFull,
      ),
    )
    expect(await own.set('still', 'writable')).toBe('OK')
    await own.config('SET', 'maxmemory', 0)
    await own.hset(queueKeys('cb', 'default').batch(INBOX_BATCH), 'total', MOST_OPEN_REQUESTS)
    await eventually('too many are open', () =>
      producer.enqueue(CHAT).then(
        () => false,
        (error) => error instanceof InboxFull,
      ),
    )
    own.disconnect()
    await producer.close()
    await redis.stop()
  })
})
