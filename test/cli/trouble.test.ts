import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAnswers, ids, linesIn, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { recordCalls } from '../support/receivers.js'

const BIN = fileURLToPath(new URL('../../bin/conduit-batch.js', import.meta.url))
const CONCURRENCY = 5
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]

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
    await cli.until('it says so', () => cli.stderr.includes('There is no room left to store answers'))
    await redis.config('SET', 'maxmemory', '0')
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ completed: 40, retries: 0 })
    await expectAnswers(place.path('in.results.jsonl'), ids(40))
    expect(simulator.stats()).toMatchObject({ calls: 40, repeatedCompletions: 0 })
  })

  test('that has lost everything is told of the batch again: answers on disk are kept, the rest is called', async () => {
    const conduit = await recordCalls((_, number) => number > 250)
    const place = await createWorkplace({
      CONDUIT_API_KEY: 'sk-1',
      CONDUIT_BASE_URL: conduit.baseUrl,
      REDIS_URL: server.url,
    })
    await place.write('in.jsonl', requests(300))
    const cli = place.start(COMMAND)
    const partial = place.path('in.results.jsonl.partial')
    await cli.until('some are on disk', async () => (await linesIn(partial)) >= 50)
    const onDisk = await linesIn(partial)
    await redis.flushall()
    const called = conduit.calls.length
    conduit.release()
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ total: 300, completed: 300 })
    await expectAnswers(place.path('in.results.jsonl'), ids(300))
    // What was answered and not yet on disk went with Redis, and what was on its way.
    expect(conduit.calls.length - 300).toBeLessThanOrEqual(called - onDisk + CONCURRENCY)
  })
})

test('output that nobody reads any more does not end the work: Ctrl-C still lets the calls in flight finish', async () => {
  const conduit = await recordCalls(() => true)
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
  await place.write('in.jsonl', requests(30))
  // As `run … 2>&1 | head -1` does, at once.
  const child = spawn(execPath, [BIN, ...COMMAND], {
    cwd: place.directory,
    env: { ...place.settings },
    detached: true,
  })
  child.stdout.destroy()
  child.stderr.destroy()
  await eventually('calls are in flight', () => conduit.held === CONCURRENCY)
  child.kill('SIGINT')
  conduit.release()
  const [code] = await once(child, 'exit')
  expect(code).toBe(130)
  const answered = conduit.calls.length
  expect(answered).toBeLessThan(30)
  expect(await linesIn(place.path('in.results.jsonl.partial'))).toBe(answered)
  expect(await place.run(COMMAND)).toExitWith(0)
  expect(conduit.calls).toHaveLength(30)
})
