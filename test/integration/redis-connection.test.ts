import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { Redis } from 'ioredis'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { connectRedis } from '../../src/redis/connect.js'
import { assertDurable, EvictingRedis, inspectRedis } from '../../src/redis/inspect.js'
import { loadScript, runScript, type Script } from '../../src/redis/scripts.js'
import { RedisUnavailable } from '../../src/redis/unavailable.js'
import { eventually } from '../support/eventually.js'
import { serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { connectForTest, uniquePrefix } from '../support/redis.js'

const opened: Redis[] = []

afterEach(() => {
  for (const redis of opened.splice(0)) redis.disconnect()
})

async function connect(...args: Parameters<typeof connectRedis>): Promise<Redis> {
  const redis = await connectRedis(...args)
  opened.push(redis)
  return redis
}

async function ownRedis(args: readonly string[] = []) {
  const server = await startPrivateRedis(args)
  onTestFinished(() => server.stop())
  return server
}

async function luaScript(source: string): Promise<Script> {
  const directory = await mkdtemp(join(tmpdir(), 'cb-lua-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, 'a-script.lua')
  await writeFile(path, source)
  return loadScript(pathToFileURL(path))
}

describe('a first connection', () => {
  test.each(['client', 'worker'] as const)('of a %s to nothing says where and what to do', async (role) => {
    const connecting = connectRedis({ url: 'redis://:hush@127.0.0.1:1/0' }, role)
    await expect(connecting).rejects.toThrow(RedisUnavailable)
    await expect(connecting).rejects.toMatchObject({ code: 'redis_unavailable' })
    await expect(connecting).rejects.toThrow(/redis:\/\/127\.0\.0\.1:1\/0: nothing listens there.*REDIS_URL/)
    await expect(connecting).rejects.toSatisfy((error) => !inspect(error, { depth: 9 }).includes('hush'))
  })

  test('to a socket that is not there names the socket', async () => {
    const connecting = connectRedis({ socketPath: '/nowhere/redis.sock' }, 'client')
    await expect(connecting).rejects.toThrow('the socket /nowhere/redis.sock: there is no such socket')
  })
})

describe('scripts', () => {
  test('run by hash, take Buffers, and give the reply of Redis', async () => {
    const redis = await connectForTest()
    const key = `{${uniquePrefix()}}:a`
    const script = await luaScript(
      "redis.call('SET', KEYS[1], ARGV[1]) return {redis.call('GET', KEYS[1]), 7}",
    )
    expect(await runScript(redis, script, [key], [Buffer.from('é')])).toEqual(['é', 7])
    expect(await redis.script('EXISTS', script.sha1)).toEqual([1])
  })

  test('are read once, and a missing file is an error', async () => {
    const script = await luaScript('return 1')
    expect(script).toMatchObject({ name: 'a-script.lua', source: 'return 1' })
    expect(() => loadScript(new URL('file:///nowhere/x.lua'))).toThrow('ENOENT')
  })

  test('fail with the error of Redis, without the arguments', async () => {
    const redis = await connectForTest()
    const script = await luaScript("return redis.call('HGET', KEYS[1])")
    for (const attempt of ['EVAL', 'EVALSHA']) {
      const failed: unknown = await runScript(redis, script, ['k'], ['a prompt']).catch((error) => error)
      expect(String(failed), attempt).toContain('Wrong number of args')
      expect(inspect(failed, { depth: 9 })).not.toContain('a prompt')
    }
  })
})

describe.skipIf(serverBinary === null)('with a server of its own (needs redis-server)', () => {
  test('a wrong password is said, and never shown', async () => {
    const { port } = await ownRedis(['--requirepass', 'right'])
    const failed: unknown = await connect({ url: `redis://:hush@127.0.0.1:${port}` }, 'client').catch(
      (e) => e,
    )
    expect(failed).toBeInstanceOf(RedisUnavailable)
    expect(String(failed)).toContain('it refused the user or password')
    expect(inspect(failed, { depth: 9, showHidden: true })).not.toContain('hush')
    const redis = await connect({ url: `redis://:right@127.0.0.1:${port}/3` }, 'client')
    expect(await redis.ping()).toBe('PONG')
  })

  test('a client is refused soon while Redis is away, a worker waits; both go on when it is back', async () => {
    const server = await ownRedis()
    const losses: Error[] = []
    const client = await connect({ url: server.url }, 'client', (error) => losses.push(error))
    const worker = await connect({ url: server.url }, 'worker')
    const script = await luaScript("return redis.call('INCR', KEYS[1])")
    expect(await runScript(client, script, ['n'], [])).toBe(1)

    await server.kill()
    await expect(client.get('n')).rejects.toThrow(/retries|closed/i)
    expect(losses[0]).toMatchObject({ code: 'redis_connection_lost' })
    const waiting = runScript(worker, script, ['n'], [])
    await server.restart()
    expect(await waiting).toBe(2)
    await eventually('the client is connected again', () => client.status === 'ready')
    expect(await client.get('n')).toBe('2')
  })

  test('is inspected', async () => {
    const { url } = await ownRedis(['--maxmemory', '100mb'])
    const inspection = await inspectRedis(await connect({ url }, 'client'))
    expect(inspection).toMatchObject({
      maxmemoryPolicy: 'noeviction',
      appendOnly: true,
      maxMemoryBytes: 104_857_600,
    })
    expect(inspection.version).toMatch(/^\d+\.\d+/)
    expect(inspection.usedMemoryBytes).toBeGreaterThan(100_000)
    expect(assertDurable(inspection)).toEqual([])
  })

  test('is refused when it evicts, and warned of without AOF, also where CONFIG is forbidden', async () => {
    const { url } = await ownRedis(['--maxmemory-policy', 'allkeys-lru', '--appendonly', 'no'])
    const redis = await connect({ url }, 'client')
    await redis.call('ACL', 'SETUSER', 'default', '-config')
    await expect(redis.config('GET', 'save')).rejects.toThrow('NOPERM')
    const inspection = await inspectRedis(redis)
    expect(() => assertDurable(inspection)).toThrow(EvictingRedis)
    expect(assertDurable({ ...inspection, maxmemoryPolicy: 'noeviction' })).toHaveLength(1)
  })
})
