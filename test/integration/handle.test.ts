import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Job, Worker } from 'bullmq'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type CallResult, createPermits, type Permits } from '../../src/admission/permits.js'
import type { Session } from '../../src/batches/session.js'
import type { DeadLetter } from '../../src/completions/dead-letters/dead-letter.js'
import { handleRequest } from '../../src/completions/handle.js'
import type { HandleDeps } from '../../src/completions/handle-deps.js'
import { createKeyHolder } from '../../src/completions/key-holder.js'
import { COMPLETIONS, countJobs } from '../../src/completions/queues.js'
import type { Recorded } from '../../src/completions/record.js'
import type { BatchOptions } from '../../src/completions/request.js'
import { createConduitClient } from '../../src/conduit/client.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { createHandleDeps } from '../../workers/handle-deps.js'
import { ids, jsonLines, request } from '../support/batch-files.js'
import { silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker, type TestWorker } from '../support/completion-worker.js'
import { completion, failure, type Reply, type ScriptedConduit, scriptConduit } from '../support/conduit.js'
import { answered } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { holdRequest } from '../support/gates.js'
import { waitingJobs } from '../support/jobs.js'
import { readPaceState, setPace } from '../support/pace.js'

const MINUTE_MS = 60_000

let session: Session
let batch: TestBatch
const simulators: Simulator[] = []
beforeEach(async () => {
  session = await testSession()
})
afterEach(async () => {
  for (const simulator of simulators.splice(0)) await simulator.close()
})

async function simulate(options: Parameters<typeof startSimulator>[0] = {}): Promise<Simulator> {
  const simulator = await startSimulator(options)
  simulators.push(simulator)
  return simulator
}

/** A fed batch; `texts` are added to the prompts, as directives for the simulator. */
async function fed(texts: readonly string[], options: Partial<BatchOptions> = {}): Promise<TestBatch> {
  const input = jsonLines(texts.map((text, n) => request(`p-${n + 1}`, text)))
  const made = await testBatch(input, options, session)
  await feedAll(made)
  return made
}

const start = (
  { baseUrl, billingUrl }: { readonly baseUrl: string; readonly billingUrl?: string },
  concurrency = 10,
): Promise<TestWorker> =>
  startTestWorker(session, { baseUrl, concurrency, ...(billingUrl === undefined ? {} : { billingUrl }) })

const counts = () => countJobs(session.completions)
const fields = () => session.redis.hgetall(session.keys.batch(batch.id))
const jobOf = (index: number): Promise<Job | undefined> =>
  session.completions.getJob(`${batch.id}-${index}-0`)

async function lines(): Promise<{ custom_id: string; response: unknown; error: unknown }[]> {
  const entries = await session.redis.xrange(session.keys.stream(batch.id), '-', '+')
  return entries.map(([, pairs]) => JSON.parse(pairs[7] ?? ''))
}

async function letters(): Promise<DeadLetter[]> {
  const entries = await session.redis.xrange(session.keys.stream(batch.id), '-', '+')
  return entries.flatMap(([, pairs]) => (pairs[9] ? [JSON.parse(pairs[9])] : []))
}

/** Until so many of the batch have ended, and their jobs have left. */
async function ended(count: number): Promise<void> {
  await eventually(`${count} have ended`, async () => {
    const { completed, failed } = await fields()
    return Number(completed) + Number(failed) >= count && (await counts()).active === 0
  })
}

/** How long until a delayed job goes again. */
async function delayOf(index: number): Promise<number> {
  await eventually(`job ${index} is delayed`, async () => (await jobOf(index))?.isDelayed() ?? false)
  const score = await session.redis.zscore(session.completions.toKey('delayed'), `${batch.id}-${index}-0`)
  return Math.floor(Number(score) / 0x1000) - Date.now()
}

describe('a request that is answered', () => {
  it('is called once, recorded once, and its job leaves without a trace', async () => {
    const simulator = await simulate()
    batch = await fed(Array(30).fill(''))
    await start(simulator)
    await ended(30)
    expect(simulator.stats()).toMatchObject({ calls: 30, completed: 30, repeatedCalls: 0 })
    expect((await lines()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(30).sort())
    expect(await counts()).toEqual({ waiting: 0, active: 0, delayed: 0 })
    expect(await fields()).toMatchObject({ completed: '30', failed: '0', retries: '0', throttled: '0' })
  })

  it('is not called when it was answered before, or its batch was ended', async () => {
    const simulator = await simulate()
    batch = await fed(['', '', ''])
    await batch.record(1, answered(batch.place(1)))
    const other = await fed(['', ''])
    await session.store.end(other.id, 'stopped', 'why')
    await start(simulator)
    await eventually('all jobs have left', async () => (await counts()).waiting === 0)
    await ended(3)
    expect(simulator.calls().map(({ calls }) => calls)).toEqual([1, 1])
    expect(await counts()).toEqual({ waiting: 0, active: 0, delayed: 0 })
  })
})

describe('a request that must wait for the files of its batch', () => {
  it('is put off without a call or an attempt, and called once they are as Redis knows them', async () => {
    const simulator = await simulate()
    batch = await fed(['', ''])
    await session.redis.hset(session.keys.batch(batch.id), 'checkedRun', '-')
    await start(simulator)
    await eventually('both are put off', async () => (await counts()).delayed === 2)
    expect(simulator.stats()).toMatchObject({ calls: 0 })
    expect(await jobOf(0)).toMatchObject({ attemptsMade: 0 })
    await session.redis.hdel(session.keys.batch(batch.id), 'checkedRun')
    await ended(2)
    expect(simulator.stats()).toMatchObject({ calls: 2 })
  })

  it('takes hardly a permit from the other batches, however many wait', async () => {
    const simulator = await simulate()
    batch = await fed(Array(40).fill(''))
    await session.redis.hset(session.keys.batch(batch.id), 'checkedRun', '-')
    await session.completions.pause()
    const { admission } = await start(simulator, 4)
    const acquire = vi.spyOn(admission.permits, 'acquire')
    await session.completions.resume()
    await eventually('all are put off', async () => (await counts()).delayed === 40)
    expect(acquire.mock.calls.length).toBeLessThan(10)
    expect(await jobOf(39)).toMatchObject({ attemptsMade: 0 })
  })
})

describe('a failure that may pass', () => {
  it('waits in the delayed set, an attempt used, while the worker goes on with others', async () => {
    const simulator = await simulate()
    batch = await fed(['[[INTERNAL_SERVER_ERROR x1]]', '', ''], {
      backoffBaseMs: MINUTE_MS,
      backoffCapMs: MINUTE_MS,
    })
    await start(simulator, 1)
    await ended(2)
    const delayMs = await delayOf(0)
    expect(delayMs).toBeGreaterThan(20_000)
    expect(delayMs).toBeLessThanOrEqual(MINUTE_MS)
    expect(await jobOf(0)).toMatchObject({ attemptsMade: 1 })
    expect(await fields()).toMatchObject({ retries: '1', throttled: '0', completed: '2' })
  })

  it('is tried again until it passes', async () => {
    const simulator = await simulate()
    batch = await fed(['[[SERVICE_UNAVAILABLE x2]][[RESET x1]][[TRUNCATED_BODY x1]]', ''])
    await start(simulator)
    await ended(2)
    expect(simulator.stats().calls).toBe(6)
    expect(await fields()).toMatchObject({ completed: '2', retries: '4' })
  })

  it.each([
    ['seconds', () => '40'],
    ['a date', () => new Date(Date.now() + 40_000).toUTCString()],
  ])('waits as long as Retry-After says, told as %s', async (_, retryAfter) => {
    const conduit = await scriptConduit((_, n) =>
      n === 1 ? failure(503, 'SERVICE_UNAVAILABLE', { 'retry-after': retryAfter() }) : completion(),
    )
    batch = await fed([''])
    await start(conduit)
    const delayMs = await delayOf(0)
    expect(delayMs).toBeGreaterThan(35_000)
    expect(delayMs).toBeLessThanOrEqual(40_000)
  })

  it('ends as retries_exhausted after the last attempt, with the last envelope', async () => {
    const simulator = await simulate()
    batch = await fed(['[[INTERNAL_SERVER_ERROR x1]][[SERVICE_UNAVAILABLE]]'], { maxAttempts: 4 })
    await start(simulator)
    await ended(1)
    expect(simulator.stats().calls).toBe(4)
    expect(await lines()).toMatchObject([
      {
        custom_id: 'p-1',
        response: {
          status_code: 503,
          request_id: expect.any(String),
          body: { error: { code: 'SERVICE_UNAVAILABLE', requestId: expect.any(String) } },
        },
        error: { code: 'retries_exhausted', message: expect.stringContaining('4 attempts'), line: 1 },
      },
    ])
    expect(await fields()).toMatchObject({ failed: '1', 'failed:retries_exhausted': '1', retries: '3' })
    const codes = (await letters()).map(({ history }) => history.map(({ code }) => code))
    expect(codes).toEqual([['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']])
  })

  it('ends with no response where none came, and counts what may have been billed', async () => {
    const simulator = await simulate()
    batch = await fed(['[[HANG]]'], { maxAttempts: 2, timeoutMs: 100 })
    await start(simulator)
    await ended(1)
    expect(await lines()).toMatchObject([
      { response: null, error: { code: 'retries_exhausted', message: expect.stringContaining('0.1 s') } },
    ])
    expect(await fields()).toMatchObject({ maybeBilled: '2', 'failed:retries_exhausted': '1' })
  })
})

describe('a refusal for good', () => {
  it('is a dead letter after one call, with the whole envelope', async () => {
    const simulator = await simulate()
    batch = await fed(['[[VALIDATION_ERROR]]', ''])
    await start(simulator)
    await ended(2)
    expect(simulator.stats().calls).toBe(2)
    const refused = (await lines()).find(({ custom_id }) => custom_id === 'p-1')
    expect(refused).toMatchObject({
      response: {
        status_code: 400,
        body: { error: { code: 'VALIDATION_ERROR', details: { fields: { messages: 'simulated fault' } } } },
      },
      error: null,
    })
    expect(await fields()).toMatchObject({ failed: '1', 'failed:VALIDATION_ERROR': '1', completed: '1' })
  })
})

describe('a 429', () => {
  it('uses no attempt: the job is delayed as Retry-After says, and the pace is cut for all', async () => {
    const conduit = await scriptConduit((_, n) =>
      n === 1 ? failure(429, 'RATE_LIMIT_EXCEEDED', { 'retry-after': '30' }) : completion(),
    )
    batch = await fed([''])
    await start(conduit)
    const delayMs = await delayOf(0)
    expect(delayMs).toBeGreaterThan(25_000)
    expect(delayMs).toBeLessThanOrEqual(30_000)
    expect(await jobOf(0)).toMatchObject({ attemptsMade: 0 })
    expect(await fields()).toMatchObject({ throttled: '1', retries: '0' })
    await eventually('the fleet knows', async () => (await readPaceState(session)).closed === 1)
  })

  it('is counted with the request, so that it waits longer each time, and pauses do not count', async () => {
    const conduit = await scriptConduit(() => failure(429, 'RATE_LIMIT_EXCEEDED'))
    batch = await fed([''])
    await start(conduit)
    await eventually('it was refused twice', async () => (await jobOf(0))?.data.refusals === 2)
    expect(await jobOf(0)).toMatchObject({ attemptsMade: 0, data: { customId: 'p-1', refusals: 2 } })
  })

  it('does not end a request that has only one attempt', async () => {
    const conduit = await scriptConduit((_, n) =>
      n === 1 ? failure(429, 'CHAT_RATE_LIMIT_EXCEEDED') : completion(),
    )
    batch = await fed([''], { maxAttempts: 1 })
    await start(conduit)
    await ended(1)
    expect(conduit.calls).toHaveLength(2)
    expect(await fields()).toMatchObject({ completed: '1', throttled: '1', retries: '0' })
  })
})

it('sends the first call after an opening with the key that is in the file by then', async () => {
  const conduit = await scriptConduit(() => null)
  batch = await fed(['', ''])
  const apiKeyFile = join(batch.directory.path, 'key')
  await writeFile(apiKeyFile, 'sk-before\n')
  await startTestWorker(session, {
    baseUrl: conduit.baseUrl,
    concurrency: 1,
    key: { apiKey: null, apiKeyFile },
  })
  await eventually('the first call is out', () => conduit.calls.length === 1)
  await session.gate.hold(holdRequest({ reason: 'spending_limit' }))
  await writeFile(apiKeyFile, 'sk-after\n')
  await session.gate.lift('*', 'person')
  conduit.calls[0]?.answer(completion())
  await eventually('the second call is out', () => conduit.calls.length === 2)
  expect(conduit.calls.map(({ authorization }) => authorization)).toEqual([
    'Bearer sk-before',
    'Bearer sk-after',
  ])
  conduit.calls[1]?.answer(completion())
  await ended(2)
})

describe('a refusal that holds the queue', () => {
  it('gives every job back to the head of its queue, no attempt used, and tells once', async () => {
    const simulator = await simulate({ balanceCents: 0 })
    batch = await fed(Array(40).fill(''))
    const worker = await start(simulator, 8)
    await eventually('all are given back', async () => {
      const { waiting, active } = await counts()
      return waiting === 40 && active === 0 && (await session.completions.isPaused())
    })
    expect(simulator.stats().calls).toBeLessThanOrEqual(8)
    const waiting = await waitingJobs(session.completions)
    expect(new Set(waiting.slice(0, 8).map((job) => job.data.index))).toEqual(
      new Set([0, 1, 2, 3, 4, 5, 6, 7]),
    )
    expect(waiting.slice(8).map((job) => job.data.index)).toEqual(Array.from({ length: 32 }, (_, n) => n + 8))
    expect(waiting.filter((job) => job.attemptsMade > 0)).toEqual([])
    expect(Math.max(...waiting.map((job) => job.attemptsStarted))).toBeLessThanOrEqual(4)
    expect((await session.gate.read()).holds.map(({ reason }) => reason)).toEqual(['credits'])
    expect(await session.redis.hlen(session.keys.outbox)).toBe(1)
    simulator.control({ topUpCents: 1000 })
    await session.gate.lift('credits', 'person')
    await worker.admission.mirrorGate()
    await ended(40)
    expect(simulator.stats()).toMatchObject({ completed: 40, promptsCompletedMoreThanOnce: 0 })
    expect((await session.gate.read()).incident).toBeNull()
    expect(await session.redis.hlen(session.keys.outbox)).toBe(2)
  })

  it('lets the answers of the other calls in flight come', async () => {
    const conduit = await scriptConduit()
    batch = await fed(['', '', ''])
    await start(conduit, 3)
    await eventually('three calls are out', () => conduit.calls.length === 3)
    conduit.calls[0]?.answer(failure(402, 'BILLING_INSUFFICIENT_FUNDS'))
    await eventually('the gate is held', async () => (await session.gate.read()).holds.length === 1)
    conduit.calls[1]?.answer()
    conduit.calls[2]?.answer()
    await ended(2)
    expect(await counts()).toMatchObject({ waiting: 1, active: 0, delayed: 0 })
    expect(conduit.calls).toHaveLength(3)
  })

  it.each([
    [401, 'API_KEY_INVALID', 'credentials'],
    [402, 'BILLING_INSUFFICIENT_FUNDS', 'credits'],
    [429, 'API_KEY_LIMIT_EXCEEDED', 'spending_limit'],
    [429, 'RATE_LIMIT_QUOTA_EXCEEDED', 'daily_quota'],
  ])('comes of %i %s: %s', async (status, code, reason) => {
    const conduit = await scriptConduit(() => failure(status, code))
    batch = await fed([''])
    await start(conduit)
    await eventually('it is given back', async () => {
      return (await session.completions.isPaused()) && (await counts()).active === 0
    })
    expect((await session.gate.read()).holds).toMatchObject([{ reason, code, requestId: 'req_1' }])
    expect(await jobOf(0)).toMatchObject({ attemptsMade: 0 })
  })

  it('is no longer than two days, however absurd its Retry-After is', async () => {
    const absurd = { 'retry-after': '99999999999' }
    const conduit = await scriptConduit(() => failure(429, 'RATE_LIMIT_QUOTA_EXCEEDED', absurd))
    batch = await fed([''])
    await start(conduit)
    await eventually('it is held', async () => (await session.gate.read()).holds.length === 1)
    const [hold] = (await session.gate.read()).holds
    expect((hold?.until ?? 0) - (hold?.since ?? 0)).toBe(48 * 60 * MINUTE_MS)
  })

  it('of an earlier epoch changes nothing: the request simply goes again', async () => {
    const conduit = await scriptConduit((_, n) => (n === 1 ? null : completion()))
    batch = await fed([''])
    await start(conduit)
    await eventually('the call is out', () => conduit.calls.length === 1)
    await session.gate.hold(holdRequest())
    await session.gate.lift('credits', 'person')
    const before = await session.gate.read()
    conduit.calls[0]?.answer(failure(402, 'BILLING_INSUFFICIENT_FUNDS'))
    await ended(1)
    expect(conduit.calls).toHaveLength(2)
    const { incident, ...after } = await session.gate.read()
    expect(after).toMatchObject({ holds: [], epoch: before.epoch, pauses: 1 })
    // Its answer was the probe, so the incident is over: resolved, not failed.
    expect(incident).toBeNull()
    expect(await session.gate.pastIncidents(5)).toMatchObject([{ failedProbes: 0 }])
    expect(await fields()).toMatchObject({ completed: '1', retries: '0' })
  })
})

describe('a refusal of the queue that came too late', () => {
  it('uses no attempt, and disturbs nobody: the request waits its backoff, others keep their turn', async () => {
    const conduit = await scriptConduit()
    batch = await fed(['', ''], { backoffBaseMs: MINUTE_MS, backoffCapMs: MINUTE_MS })
    await start(conduit, 2)
    await eventually('two calls are out', () => conduit.calls.length === 2)
    await session.gate.hold(holdRequest())
    await session.gate.lift('credits', 'person')
    conduit.calls[0]?.answer(failure(402, 'BILLING_INSUFFICIENT_FUNDS'))
    const late = conduit.calls[0]?.prompt === 'say p-1' ? 0 : 1
    expect(await delayOf(late)).toBeGreaterThan(20_000)
    expect(await jobOf(late)).toMatchObject({ attemptsMade: 0, attemptsStarted: 1 })
    expect(await counts()).toMatchObject({ waiting: 0, active: 1, delayed: 1 })
    expect(await session.completions.isPaused()).toBe(false)
  })
})

describe('a key that is refused', () => {
  it('holds the queue until another one is found in its file, and then one call probes', async () => {
    const simulator = await simulate({ apiKeys: ['sk-right'] })
    batch = await fed(Array(10).fill(''))
    const apiKeyFile = join(batch.directory.path, 'key')
    await writeFile(apiKeyFile, 'sk-wrong\n')
    const key = { apiKey: null, apiKeyFile }
    const worker = await startTestWorker(session, { baseUrl: simulator.baseUrl, key, concurrency: 4 })
    await eventually('all are given back', async () => {
      return (await session.completions.isPaused()) && (await counts()).active === 0
    })
    const refused = simulator.stats().calls
    expect(refused).toBeLessThanOrEqual(4)
    await worker.admission.mirrorGate()
    expect((await session.gate.read()).holds).toMatchObject([{ reason: 'credentials' }])
    await writeFile(apiKeyFile, 'sk-right\n')
    await worker.admission.mirrorGate()
    await ended(10)
    expect(simulator.stats()).toMatchObject({ calls: refused + 10, completed: 10 })
    expect(await session.gate.pastIncidents(5)).toMatchObject([{ liftedBy: 'new_key', failedProbes: 0 }])
  })
})

describe('a lost lock', () => {
  /** BullMQ's own check for jobs whose lock went, without waiting half a minute for it. */
  async function checkForStalledJobs(): Promise<void> {
    await session.redis.del(session.completions.toKey('stalled-check'))
    const checker = new Worker(COMPLETIONS, null, {
      connection: session.redis,
      prefix: session.keys.bullPrefix,
      autorun: false,
      stalledInterval: 20,
      maxStalledCount: 1000,
    })
    const stalled = new Promise((resolve) => checker.once('stalled', resolve))
    await checker.startStalledCheckTimer()
    await stalled
    await checker.close()
  }

  async function outWithoutLock(): Promise<ScriptedConduit> {
    const conduit = await scriptConduit()
    batch = await fed([''])
    await start(conduit, 2)
    await eventually('the call is out', () => conduit.calls.length === 1)
    await session.redis.del(session.completions.toKey(`${batch.id}-0-0:lock`))
    return conduit
  }

  it('does not lose the answer, and the job that runs again does not call again', async () => {
    const conduit = await outWithoutLock()
    conduit.calls[0]?.answer()
    await eventually('it is recorded', async () => (await fields()).completed === '1')
    await checkForStalledJobs()
    await eventually('the job has left', async () => (await jobOf(0)) === undefined)
    expect(conduit.calls).toHaveLength(1)
    expect(await lines()).toHaveLength(1)
  })

  it('records one answer also when the request was called twice meanwhile', async () => {
    const conduit = await outWithoutLock()
    await checkForStalledJobs()
    await eventually('it is called again', () => conduit.calls.length === 2)
    conduit.calls[1]?.answer(completion('second'))
    await eventually('it is recorded', async () => (await fields()).completed === '1')
    conduit.calls[0]?.answer(completion('first'))
    await eventually('the job has left', async () => (await jobOf(0)) === undefined)
    expect(await lines()).toMatchObject([
      { response: { body: { choices: [{ message: { content: 'second' } }] } } },
    ])
    expect(await fields()).toMatchObject({ completed: '1', total_tokens: '3' })
  })
})

describe('a worker that is closed', () => {
  it('lets calls in flight finish, and takes no other', async () => {
    const conduit = await scriptConduit()
    batch = await fed(['', '', ''])
    const worker = await start(conduit, 2)
    await eventually('two calls are out', () => conduit.calls.length === 2)
    const closed = worker.close(20_000)
    for (const call of conduit.calls) call.answer()
    await closed
    expect(await fields()).toMatchObject({ completed: '2' })
    expect(await counts()).toMatchObject({ waiting: 1, active: 0, delayed: 0 })
    expect(conduit.calls).toHaveLength(2)
  })

  it('aborts them at the deadline, and gives their jobs back: no attempt used, at the head', async () => {
    const conduit = await scriptConduit()
    batch = await fed(['', '', '', ''])
    const worker = await start(conduit, 2)
    await eventually('two calls are out', () => conduit.calls.length === 2)
    await worker.close(50)
    await eventually('the calls are cut', () => conduit.calls.every(({ aborted }) => aborted))
    const waiting = await waitingJobs(session.completions)
    expect(
      waiting
        .slice(0, 2)
        .map((job) => job.data.index)
        .sort(),
    ).toEqual([0, 1])
    expect(waiting.map((job) => job.attemptsMade)).toEqual([0, 0, 0, 0])
    expect(await session.redis.keys(session.completions.toKey('*:lock'))).toEqual([])
    expect(await fields()).toMatchObject({ completed: '0', failed: '0', retries: '0' })
  })

  it('aborts them at once when told so meanwhile', async () => {
    const conduit = await scriptConduit()
    batch = await fed([''])
    const worker = await start(conduit)
    await eventually('the call is out', () => conduit.calls.length === 1)
    const closed = worker.close(60_000)
    worker.abort()
    await closed
    expect(await counts()).toMatchObject({ waiting: 1, active: 0 })
  })

  it('gives back what still waits for a permit, without a call', async () => {
    const conduit = await scriptConduit()
    await setPace(session, { closed: 1, notBefore: (Date.now() + MINUTE_MS) / 1000 })
    batch = await fed(['', '', ''])
    const worker = await start(conduit)
    await eventually('all are taken', async () => (await counts()).active === 3)
    await worker.close(MINUTE_MS)
    expect(await counts()).toMatchObject({ waiting: 3, active: 0, delayed: 0 })
    expect(conduit.calls).toHaveLength(0)
  })

  it('is no loss: the next one goes on', async () => {
    const conduit = await scriptConduit((_, n) => (n <= 2 ? null : completion()))
    batch = await fed(['', '', '', ''])
    const worker = await start(conduit, 2)
    await eventually('two calls are out', () => conduit.calls.length === 2)
    await worker.close(0)
    await start(conduit)
    await ended(4)
    expect((await lines()).map(({ custom_id }) => custom_id).sort()).toEqual(ids(4))
  })
})

describe('what the pace is told', () => {
  const SEEN = { requestsPerMinute: 600, remaining: 5, resetInMs: 30_000 }
  const HEADERS = { 'x-ratelimit-limit': '600', 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '30' }
  const OUT = { maxAttempts: 1, backoffBaseMs: 10, backoffCapMs: 10 }

  /** Handles the only request of a batch on permits that keep what they are told; what was settled, and that. */
  async function handled(answer: Reply, outage = false) {
    const conduit = await scriptConduit(() => answer)
    batch = await testBatch(jsonLines([request('p-1')]), OUT, session)
    const client = createConduitClient(conduit)
    const results: CallResult[] = []
    const permits: Permits = {
      ...createPermits(
        () => Promise.reject(new Error('nothing is leased here')),
        () => undefined,
      ),
      acquire: async () => ({ kind: 'go', permit: { epoch: 0, report: (result) => results.push(result) } }),
      // Known only once the call was reported.
      get outage() {
        return outage && results.length > 0
      },
    }
    const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
    const admission = { permits, mirrorGate: async () => undefined }
    const options = { session, admission, conduit: client, keyHolder, workerName: 'w', log: silent }
    const deps = { ...createHandleDeps({ ...options, onTrouble: () => undefined }), random: () => 0.5 }
    const tries = { made: 0, refusals: 0, outages: 0, fedAt: Date.now(), history: [] }
    const asked = { ...batch.place(0), customId: 'p-1', line: 1, body: { messages: [] } }
    const settlement = await handleRequest(asked, tries, new AbortController().signal, deps)
    await client.close()
    return { settlement, result: results[0] }
  }

  it.each([
    ['an answer', { ...completion(), headers: HEADERS }, { kind: 'answered', limit: SEEN }],
    [
      'a refusal',
      failure(429, 'RATE_LIMIT_EXCEEDED', { ...HEADERS, 'retry-after': '2' }),
      { kind: 'refused', retryAfterMs: 2000, limit: SEEN },
    ],
    ['an error', failure(404, 'NOT_FOUND', HEADERS), { kind: 'otherwise', limit: SEEN }],
    ['a failure', failure(503, 'SERVICE_UNAVAILABLE', HEADERS), { kind: 'failed', fresh: true }],
    ['an answer without such headers', completion(), { kind: 'answered' }],
  ] as const)('of %s is what it was, and the limit in its headers', async (_, answer, expected) => {
    expect((await handled(answer)).result).toEqual(expected)
  })

  it('may show that Conduit is out: then a failure uses no attempt, and is counted as a retry', async () => {
    const { settlement } = await handled(failure(503, 'SERVICE_UNAVAILABLE'), true)
    expect(settlement).toEqual({ kind: 'delay', delayMs: 10, outages: 1 })
    expect(await fields()).toMatchObject({ retries: '1', failed: '0' })
  })
})

it('drops a job that is no request, without a call', async () => {
  const simulator = await simulate()
  batch = await fed([''])
  await session.completions.add('completion', { hello: 1 }, { jobId: 'not-a-request', removeOnFail: true })
  await start(simulator)
  await ended(1)
  await eventually(
    'it is gone',
    async () => (await session.completions.getJob('not-a-request')) === undefined,
  )
  expect(simulator.stats().calls).toBe(1)
})

it('keeps an answer while Redis has lost its batch, and records it once the batch is known again', async () => {
  const conduit = await scriptConduit(() => completion('paid for'))
  batch = await testBatch(jsonLines([request('p-1')]), {}, session)
  const { admission } = await start(conduit)
  const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
  const client = createConduitClient(conduit)
  const options = { session, admission, conduit: client, keyHolder, workerName: 'w', log: silent }
  const deps = createHandleDeps({ ...options, onTrouble: () => undefined })
  const { redis, keys, store } = session
  await store.options(batch.id)
  const outcomes: Recorded[] = []
  const losing: HandleDeps = {
    ...deps,
    async record(place, ending) {
      if (outcomes.length === 0) await redis.del(keys.batch(batch.id))
      const recorded = await deps.record(place, ending)
      outcomes.push(recorded)
      if (recorded === 'gone') await store.register(batch.manifest, batch.directory.id)
      return recorded
    },
  }
  const tries = { made: 0, refusals: 0, outages: 0, fedAt: Date.now(), history: [] }
  const { signal } = new AbortController()
  const asked = { ...batch.place(0), customId: 'p-1', line: 1, body: { messages: [] } }

  expect(await handleRequest(asked, tries, signal, losing)).toEqual({ kind: 'leave' })
  expect(outcomes[0]).toBe('gone')
  expect(outcomes).toHaveLength(2)
  expect(await lines()).toMatchObject([{ custom_id: 'p-1', error: null }])
  expect(conduit.calls).toHaveLength(1)
  await client.close()
})
