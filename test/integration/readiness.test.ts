import process from 'node:process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectRedis } from '../../src/redis/connect.js'
import { registryKey } from '../../src/redis/keys.js'
import { openBoardQueues } from '../../src/server/board-queues.js'
import { createReadiness, type WorkersPhase } from '../../src/server/readiness.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, startPrivateRedis } from '../support/private-redis.js'
import { ask, startServer } from '../support/servers.js'

let server: PrivateRedis

beforeAll(async () => {
  server = await startPrivateRedis()
})
afterAll(() => server.stop())

it('follows the workers, and Redis: full, hanging, gone, and back', async () => {
  const redis = await connectRedis({ url: server.url }, 'client', () => {})
  let phase: WorkersPhase = 'starting'
  const registry = registryKey('cb')
  const ready = createReadiness({ redis, registry, queue: 'default', workers: () => phase, deadlineMs: 2000 })
  const why = async () => {
    const readiness = await ready()
    return readiness.kind === 'ready' ? 'ready' : readiness.code
  }

  expect(await why()).toBe('workers_starting')
  phase = 'working'
  expect(await why()).toBe('ready')

  await redis.config('SET', 'maxmemory', '1')
  expect(await why()).toBe('redis_full')
  await redis.config('SET', 'maxmemory', '0')
  expect(await why()).toBe('ready')

  process.kill(server.pid, 'SIGSTOP')
  expect(await why()).toBe('redis_unavailable')
  process.kill(server.pid, 'SIGCONT')
  await eventually('ready after a stall', async () => (await why()) === 'ready')

  const url = await startServer({ queues: openBoardQueues(redis, 'cb', ['default']), ready })
  await server.kill()
  expect(await why()).toBe('redis_unavailable')
  const look = await ask(`${url}/queues/api/queues`)
  expect(look.status).toBe(503)
  expect(JSON.parse(look.text).error).toMatchObject({ code: 'redis_unavailable' })
  expect((await ask(`${url}/healthz`)).status).toBe(200)
  await server.restart()
  await eventually('ready after a restart', async () => (await why()) === 'ready')

  phase = 'stopping'
  expect(await why()).toBe('workers_stopping')
  redis.disconnect()
})
