import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { openDataDirectory } from '../../src/batches/data-directory.js'
import { createDirectoryLease } from '../../src/batches/lease.js'
import type { KeyNames } from '../../src/completions/key-holder.js'
import { countJobs } from '../../src/completions/queues.js'
import { INBOX_BATCH } from '../../src/completions/request.js'
import { InvalidConfig, loadConfig } from '../../src/config.js'
import { connectRedis } from '../../src/redis/connect.js'
import { createConcurrencyCeiling } from '../../workers/concurrency-ceiling.js'
import { planQueues } from '../../workers/plan-queues.js'
import { lookAtQueue } from '../../workers/queue-look.js'
import { expectAnswers, ids, requests } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { simulate } from '../support/cli.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { type HandIn, handIn } from '../support/hand-in.js'
import { waitingJobs } from '../support/jobs.js'
import { serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { uniquePrefix } from '../support/redis.js'
import { startWorkers, type WorkersOf } from '../support/workers.js'

let directory: string
let place: Pick<HandIn, 'directory' | 'dataDir' | 'keyPrefix'> & Pick<WorkersOf, 'redisUrl'>
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cb-workers-'))
  place = {
    directory,
    dataDir: join(directory, 'data'),
    keyPrefix: uniquePrefix(),
    redisUrl: inject('redisUrl'),
  }
})
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('two queues in one process', () => {
  it('one account empty: the other queue finishes undisturbed', async () => {
    const [rich, poor] = [await simulate(), await simulate({ balanceCents: 3, costCents: 1 })]
    const batch = await handIn({ ...place, input: requests(40) })
    const held = await handIn({ ...place, queue: 'poor', input: requests(40) })
    const queues = {
      poor: { baseUrl: poor.baseUrl, apiKey: 'sk-simulator' },
      default: { baseUrl: rich.baseUrl, apiKey: 'sk-simulator' },
    }

    const workers = startWorkers({ ...place, queues })
    const paused = await workers.until('paused')
    await eventually('the other batch ends', async () => (await batch.snapshot()).state === 'completed')

    expect(paused).toMatchObject({ queue: 'poor', holds: [{ reason: 'credits' }] })
    expect(await batch.snapshot()).toMatchObject({ completed: 40, failed: 0, retries: 0, pauses: 0 })
    await expectAnswers(batch.results, ids(40))
    await eventually('what was paid for is recorded', async () => (await held.snapshot()).completed === 3)
    expect(await held.snapshot()).toMatchObject({ state: 'running', completed: 3, failed: 0 })
    expect(await workers.stop()).toBe('in_order')
    expect(workers.events.filter(({ kind }) => kind === 'paused')).toHaveLength(1)
  })

  it('one without a key: the other works, and it starts too once its file of a key is there', async () => {
    const { baseUrl } = await simulate()
    const apiKeyFile = join(directory, 'nightly.key')
    const late = await handIn({ ...place, queue: 'nightly', input: requests(3) })
    const batch = await handIn({ ...place, input: requests(3) })
    const nightly = { baseUrl, apiKey: null, apiKeyFile, keyNames: keyNamesOf('nightly') }
    const workers = startWorkers({ ...place, queues: { nightly, default: { baseUrl } } })

    expect(await workers.until('started')).toMatchObject({ queues: ['default'] })
    expect(await workers.until('not_started')).toMatchObject({
      queue: 'nightly',
      code: 'api_key_missing',
      again: true,
    })
    await eventually('the other queue works', async () => (await batch.snapshot()).state === 'completed')
    expect(await late.snapshot()).toMatchObject({ completed: 0 })
    await writeFile(apiKeyFile, 'sk-simulator\n')

    expect(await workers.until('queue_started')).toEqual({ kind: 'queue_started', queue: 'nightly' })
    await eventually('it works', async () => (await late.snapshot()).state === 'completed')
    expect(await workers.stop()).toBe('in_order')
  })

  it('start not at all when none has a key, and name what is missing of each', async () => {
    const queues = {
      nightly: { apiKey: null, keyNames: keyNamesOf('nightly') },
      daily: { apiKey: null, keyNames: keyNamesOf('daily') },
    }
    const workers = startWorkers({ ...place, queues })
    await expect(workers.ended).rejects.toMatchObject({
      code: 'api_key_missing',
      message: expect.stringMatching(
        /^There is no Conduit API key for queue nightly\. .*NIGHTLY_KEY.*\nThere is .*DAILY_KEY/,
      ),
    })
    expect(workers.events).toEqual([])
  })

  it('one whose settings name a variable that is not set is told, and the other starts', async () => {
    const nightly = () => {
      throw new InvalidConfig(['queues.nightly.alerts.webhookEnv names NIGHTLY_HOOK, which is not set'])
    }
    const plans = await planQueues(
      ['nightly', 'default'],
      {
        queue: (queue) =>
          queue === 'nightly' ? nightly() : loadConfig({ CONDUIT_API_KEY: 'sk-1' }).queue(queue),
        keySource: () => () => null,
      },
      new Set(['completion']),
    )
    expect(plans).toMatchObject({
      ready: [{ config: { queue: 'default' } }],
      unready: [{ queue: 'nightly', problem: { code: 'invalid_config' }, mayAppear: false }],
    })
  })
})

function keyNamesOf(queue: string): KeyNames {
  return { queue, variable: `${queue.toUpperCase()}_KEY`, file: 'apiKeyFile' }
}

it('waits for the right to feed and collect in its directory, and takes it when it is free', async () => {
  const { baseUrl } = await simulate()
  const batch = await handIn({ ...place, input: requests(3) })
  const { redis, keys } = batch.session
  const { id } = await openDataDirectory(place.dataDir)
  const other = createDirectoryLease(redis, keys, id, 'deadbeef-1-1')
  await other.hold()

  const workers = startWorkers({ ...place, queues: { default: { baseUrl } }, untilIdle: true })
  await workers.until('started')
  expect(await batch.snapshot()).toMatchObject({ fed: 0 })
  await other.release()

  expect(await workers.ended).toBe('in_order')
  await expectAnswers(batch.results, ids(3))
})

describe('told to stop', () => {
  it('lets the calls in flight finish, and starts no other', async () => {
    const conduit = await scriptConduit()
    const batch = await handIn({ ...place, input: requests(10), options: { concurrency: 2 } })
    const workers = startWorkers({ ...place, queues: { default: { baseUrl: conduit.baseUrl } } })
    await eventually('two calls are out', () => conduit.calls.length === 2)

    const ended = workers.stop()
    expect(await workers.until('stopping')).toMatchObject({ inFlight: 2 })
    for (const call of conduit.calls) call.answer(completion())

    expect(await ended).toBe('in_order')
    expect(conduit.calls).toHaveLength(2)
    expect(await batch.snapshot()).toMatchObject({ completed: 2, maybeBilled: 0 })
    expect(await countJobs(batch.session.completions)).toEqual({
      waiting: 8,
      active: 0,
      delayed: 0,
    })
  })

  it('gives back a call that takes longer than the deadline, and uses no attempt', async () => {
    const conduit = await scriptConduit()
    const batch = await handIn({ ...place, input: requests(1) })
    const queues = { default: { baseUrl: conduit.baseUrl } }
    const deadlines = { finishMs: 200, putAwayMs: 10_000 }
    const workers = startWorkers({ ...place, queues, deadlines })
    await eventually('the call is out', () => conduit.calls.length === 1)

    expect(await workers.stop()).toBe('in_order')

    await eventually('the call was aborted', () => conduit.calls[0]?.aborted === true)
    const [job] = await waitingJobs(batch.session.completions)
    expect(job).toMatchObject({ id: `${batch.id}-0-0`, attemptsMade: 0 })
    expect(await batch.snapshot()).toMatchObject({ retries: 0, maybeBilled: 1, completed: 0 })

    const next = startWorkers({ ...place, queues, untilIdle: true })
    await eventually('it goes out again', () => conduit.calls.length === 2)
    conduit.calls[1]?.answer(completion(`answer to: say p-1`))
    expect(await next.ended).toBe('in_order')
    await expectAnswers(batch.results, ids(1))
  })

  it('leaves a Redis that is gone, after its deadlines', async () => {
    const redis = await startPrivateRedis()
    try {
      const deadlines = { finishMs: 100, putAwayMs: 300 }
      const workers = startWorkers({ ...place, redisUrl: redis.url, queues: { default: {} }, deadlines })
      await workers.until('started')
      await redis.kill()

      expect(await workers.stop()).toBe('left')
      expect(workers.events.at(-1)).toEqual({ kind: 'stopped', how: 'left' })
    } finally {
      await redis.stop()
    }
  })
})

it.skipIf(serverBinary === null)('a Redis that is full is told, and waited for', async () => {
  const redis = await startPrivateRedis(['--maxmemory', '1'])
  const person = await connectRedis({ url: redis.url }, 'client')
  try {
    const workers = startWorkers({ ...place, redisUrl: redis.url, queues: { default: {} } })
    expect(await workers.until('trouble')).toMatchObject({
      text: expect.stringMatching(/is full \(maxmemory\)/),
    })
    await person.config('SET', 'maxmemory', '0')
    await workers.until('started')
    expect(await workers.stop()).toBe('in_order')
  } finally {
    person.disconnect()
    await redis.stop()
  }
})

describe('the most that may be in flight', () => {
  it.each([
    ['the most that an active batch asks for, whichever data directory it is in', null, null, 6],
    ['bounded by the configuration of the queue', null, 3, 3],
    ['what was asked for on the command line, whatever else says', 9, 3, 9],
  ])('is %s', async (_, wanted, ceiling, expected) => {
    const here = await handIn({ ...place, input: requests(1), options: { concurrency: 2 } })
    const there = { ...place, dataDir: join(directory, 'elsewhere'), input: requests(2) }
    const most = createConcurrencyCeiling(here.session, { wanted, ceiling })
    await handIn({ ...there, name: 'other', options: { concurrency: 6 } })
    expect(await most()).toBe(expected)
  })

  it('is 1,000 when no batch is active, for the single requests of producers', async () => {
    const session = await testSession(place.keyPrefix)
    expect(await createConcurrencyCeiling(session, { wanted: null, ceiling: null })()).toBe(1000)
  })
})

it('a look at a queue shows the data directories that nobody serves', async () => {
  const { id, session, results } = await handIn({ ...place, input: requests(1) })
  const directory = (await openDataDirectory(place.dataDir)).id
  expect(await lookAtQueue(session, null)).toMatchObject({
    activeBatches: 1,
    workers: 0,
    unserved: [{ directory, batches: [id], output: results }],
  })
  await createDirectoryLease(session.redis, session.keys, directory, 'deadbeef-1-1').hold()
  expect(await lookAtQueue(session, null)).toMatchObject({ unserved: [], inbox: 0, inboxServed: false })
  await session.redis.zadd(session.keys.retries(INBOX_BATCH), 0, '0')
  await session.redis.xadd(session.keys.stream(INBOX_BATCH), '*', 'i', '1')
  expect(await lookAtQueue(session, null)).toMatchObject({ inbox: 2 })
})
