import { describe, expect, test } from 'vitest'
import { isAlive, type ProcessIdentity } from '../../src/process-identity.js'
import { expectAnswers, ids, linesIn, requests, summaryOf } from '../support/batch-files.js'
import {
  createWorkplace,
  privateServerOf,
  QUICK,
  settingsFor,
  simulate,
  type Workplace,
} from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { recordCalls } from '../support/receivers.js'

const CONCURRENCY = 10
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]

/** Without REDIS_URL, and without a key prefix: as somebody who has just installed it. */
const NO_REDIS_URL = { REDIS_URL: undefined, CONDUIT_BATCH_KEY_PREFIX: undefined }

async function runningServer(place: Workplace): Promise<ProcessIdentity> {
  const server = await privateServerOf(place)
  if (server === null || !isAlive(server)) throw new Error('no private Redis runs')
  return server
}

describe.skipIf(serverBinary === null)('without REDIS_URL (needs redis-server or valkey-server)', () => {
  test('a private Redis outlives a kill -9 with all that was done, and is gone after a finished run', async () => {
    const conduit = await recordCalls((_, number) => number > 25)
    const place = await createWorkplace({
      CONDUIT_API_KEY: 'sk-1',
      CONDUIT_BASE_URL: conduit.baseUrl,
      ...NO_REDIS_URL,
    })
    await place.write('in.jsonl', requests(80))
    const cli = place.start(COMMAND)
    await cli.until('some are answered, and calls are out', () => conduit.held === CONCURRENCY)
    const server = await runningServer(place)
    await cli.kill()
    expect(isAlive(server)).toBe(true)
    conduit.release()

    const end = await place.run(COMMAND)

    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ total: 80, completed: 80 })
    await expectAnswers(place.path('in.results.jsonl'), ids(80))
    expect(conduit.calls).toHaveLength(80 + CONCURRENCY)
    expect(await privateServerOf(place)).toBe(null)
    await eventually('the private Redis is gone', () => !isAlive(server))
  })

  test('Ctrl-C does not reach it before the work is put away; other commands find it, or start it again', async () => {
    const simulator = await simulate({ balanceCents: 20, costCents: 1 })
    const place = await createWorkplace({ ...settingsFor(simulator), ...NO_REDIS_URL })
    await place.write('in.jsonl', requests(60))
    const cli = place.start(COMMAND)
    await cli.until('the account is empty', () => cli.stderr.includes('PAUSED: '))
    const partial = place.path('in.results.jsonl.partial')
    await cli.until('what was paid for is on disk', async () => (await linesIn(partial)) === 20)
    const server = await runningServer(place)
    const during = await place.run(['status', '--json'])
    const seen = {
      queues: [{ holds: [{ reason: 'credits' }] }],
      batches: [{ state: 'running', completed: 20 }],
    }
    expect(JSON.parse(during.stdout)).toMatchObject(seen)
    expect(await runningServer(place)).toEqual(server)

    cli.signal('SIGINT')
    expect(await cli.ended).toExitWith(130)
    expect(isAlive(server)).toBe(false)
    const after = await place.run(['status', '--json'])
    expect(JSON.parse(after.stdout)).toMatchObject(seen)

    simulator.control({ topUpCents: 100 })
    expect(await place.run(['resume'])).toExitWith(0)
    expect(await place.run(COMMAND)).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ids(60))
    expect(simulator.stats()).toMatchObject({ completed: 60, repeatedCompletions: 0 })
    expect(await privateServerOf(place)).toBe(null)
  })
})

describe.skipIf(serverBinary === null)(
  'a Redis that is killed and comes back (needs a server binary)',
  () => {
    test('stops no run: it says that it waits, goes on by itself, and repeats at most the calls in flight', async () => {
      const redis = await startPrivateRedis()
      const conduit = await recordCalls((_, number) => number > 25)
      const place = await createWorkplace({
        CONDUIT_API_KEY: 'sk-1',
        CONDUIT_BASE_URL: conduit.baseUrl,
        REDIS_URL: redis.url,
      })
      try {
        await place.write('in.jsonl', requests(100))
        const cli = place.start(COMMAND)
        await cli.until('some are answered, and calls are out', () => conduit.held === CONCURRENCY)
        await redis.kill()
        await cli.until('it says that it waits', () => cli.stderr.includes('Redis does not answer'))
        conduit.release()
        await redis.restart()
        const end = await cli.ended

        expect(end).toExitWith(0)
        expect(summaryOf(end)).toMatchObject({ total: 100, completed: 100 })
        await expectAnswers(place.path('in.results.jsonl'), ids(100))
        expect(conduit.calls.length).toBeLessThanOrEqual(100 + CONCURRENCY)
      } finally {
        await redis.stop()
      }
    })
  },
)
