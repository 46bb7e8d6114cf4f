import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, serverBinary, startPrivateRedis } from '../support/private-redis.js'

const BIN = fileURLToPath(new URL('../../bin/conduit-batch.js', import.meta.url))
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', '5', ...QUICK]

describe.skipIf(serverBinary === null)('a Redis in trouble (needs redis-server or valkey-server)', () => {
  let server: PrivateRedis
  let redis: Redis
  beforeAll(async () => {
    server = await startPrivateRedis()
    redis = new Redis(server.url)
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })

  test('that is full takes no answers: they are kept and recorded when there is room, nothing is paid twice', async () => {
    const simulator = await simulate({ latencyMs: { min: 200, max: 300 } })
    const place = await createWorkplace({ ...settingsFor(simulator), REDIS_URL: server.url })
    await place.write('in.jsonl', requests(40))
    const cli = place.start(COMMAND)
    await cli.until('calls are in flight', () => simulator.stats().inFlight > 0)
    await redis.config('SET', 'maxmemory', '1mb')
    await cli.until('it says so', () => cli.stderr.includes('Redis does not take answers'))
    await redis.config('SET', 'maxmemory', '0')
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ completed: 40, retries: 0 })
    await expectAnswers(place.path('in.results.jsonl'), ids(40))
    expect(simulator.stats()).toMatchObject({ calls: 40, repeatedCompletions: 0 })
  })

  test('that has lost everything is told of the batch again: answers on disk are kept, the rest is called', async () => {
    const simulator = await simulate({ latencyMs: { min: 20, max: 40 } })
    const place = await createWorkplace({ ...settingsFor(simulator), REDIS_URL: server.url })
    await place.write('in.jsonl', requests(400))
    const cli = place.start(COMMAND)
    await cli.until('a quarter is answered', () => simulator.stats().completed >= 100)
    await redis.flushall()
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ total: 400, completed: 400 })
    await expectAnswers(place.path('in.results.jsonl'), ids(400))
    // What was answered and not yet on disk (two collector rounds at most) went with Redis.
    expect(simulator.stats().repeatedCompletions).toBeLessThan(100)
  })
})

test('output that nobody reads any more does not end the work: Ctrl-C still lets the calls in flight finish', async () => {
  const simulator = await simulate({ latencyMs: { min: 400, max: 600 } })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(30))
  const first = await place.run(['pause'])
  expect(first).toExitWith(0)
  // The settings of the workplace, with a reader that leaves: `run … 2>&1 | head -1`.
  const held = place.start(COMMAND)
  await held.until('it waits', () => held.stderr.includes('PAUSED'))
  await held.kill()
  expect(await place.run(['resume'])).toExitWith(0)

  const child = spawn(execPath, [BIN, ...COMMAND], {
    cwd: place.directory,
    env: { ...place.settings },
    detached: true,
  })
  child.stdout.destroy()
  child.stderr.destroy()
  await eventually('calls are in flight', () => simulator.stats().inFlight >= 5)
  const calls = simulator.stats().calls
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  expect(code).toBe(130)
  expect(simulator.stats().undelivered).toBe(0)
  expect(simulator.stats().calls).toBeLessThanOrEqual(calls + 5)
  expect(await place.run(COMMAND)).toExitWith(0)
  expect(simulator.stats()).toMatchObject({ calls: 30, repeatedCompletions: 0 })
})
