import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { countJobs } from '../../src/completions/queues.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { jsonLines, request } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker } from '../support/completion-worker.js'
import { completion, failure, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { raisePace } from '../support/pace.js'

/** $5 pay thousands of small requests, at some 25 tokens each, and no request for a million tokens. */
const ACCOUNT = { balanceCents: 500, costCents: 0, costPerTokenCents: 0.01 }
const LARGE = { max_tokens: 1_000_000 }

let session: Session
let batch: TestBatch
let simulator: Simulator | null = null
beforeEach(async () => {
  session = await testSession()
  await raisePace(session)
})
afterEach(async () => {
  await simulator?.close()
  simulator = null
})

async function fed(count: number, isLarge: (n: number) => boolean): Promise<void> {
  const lines = Array.from({ length: count }, (_, n) => request(`p-${n}`, '', isLarge(n) ? LARGE : {}))
  batch = await testBatch(jsonLines(lines), {}, session)
  await feedAll(batch)
}

const fields = () => session.redis.hgetall(session.keys.batch(batch.id))
const counts = () => countJobs(session.completions)

async function ended(count: number): Promise<void> {
  await eventually(`${count} have ended`, async () => {
    const { completed, failed } = await fields()
    return Number(completed) + Number(failed) >= count && (await counts()).active === 0
  })
}

async function deadLines(): Promise<Record<string, unknown>[]> {
  const entries = await session.redis.xrange(session.keys.stream(batch.id), '-', '+')
  return entries.flatMap(([, pairs]) => (pairs[9] ? [JSON.parse(pairs[7] ?? '')] : []))
}

/** Nobody was disturbed: no hold, no incident, no alert, and the queue is open. */
async function expectCalm(): Promise<void> {
  expect(await session.gate.read()).toMatchObject({ holds: [], incident: null, pauses: 0, probing: false })
  expect(await session.gate.pastIncidents(5)).toEqual([])
  expect(await session.redis.hlen(session.keys.outbox)).toBe(0)
}

async function givenBack(): Promise<void> {
  await eventually('the queue is paused, and all jobs are back', async () => {
    const { active } = await counts()
    return (await session.completions.isPaused()) && active === 0
  })
}

describe('requests that cost more than is left', () => {
  it.each([
    ['four hundred, spread', 400, (n: number) => n % 8 === 7],
    ['two hundred, all in front', 200, (n: number) => n < 50],
  ])('are dead letters, fifty among %s, and nobody is disturbed', async (_, count, isLarge) => {
    simulator = await startSimulator({ ...ACCOUNT, latencyMs: { min: 5, max: 20 } })
    await fed(count, isLarge)
    await startTestWorker(session, { ...simulator, concurrency: 20 })
    await ended(count)
    expect(await fields()).toMatchObject({
      completed: String(count - 50),
      failed: '50',
      'failed:unaffordable_request': '50',
      retries: '0',
    })
    await expectCalm()
    expect(simulator.stats()).toMatchObject({ repeatedCompletions: 0 })
    // A few were called twice: refused just when an earlier suspicion ended.
    expect(simulator.stats().byStatus['402']).toBeLessThanOrEqual(75)
  })

  it('keep the whole envelope, and say that others are answered', async () => {
    simulator = await startSimulator(ACCOUNT)
    await fed(12, (n) => n === 3)
    await startTestWorker(session, { ...simulator, concurrency: 2 })
    await ended(12)
    expect(await deadLines()).toMatchObject([
      {
        custom_id: 'p-3',
        response: {
          status_code: 402,
          body: {
            error: {
              code: 'BILLING_INSUFFICIENT_FUNDS',
              message: expect.stringMatching(/can only afford \d+ tokens/),
            },
          },
        },
        error: {
          code: 'unaffordable_request',
          message: expect.stringMatching(/answers others: .* can only afford/),
          line: 4,
        },
      },
    ])
    await expectCalm()
  })

  it('are found out although all others are out at the same time, and nobody is left to ask', async () => {
    simulator = await startSimulator({ ...ACCOUNT, latencyMs: { min: 50, max: 50 } })
    await fed(10, (n) => n === 4)
    await startTestWorker(session, { ...simulator, concurrency: 20 })
    await ended(10)
    expect(await fields()).toMatchObject({ completed: '9', 'failed:unaffordable_request': '1' })
    await expectCalm()
    expect(simulator.stats().calls).toBe(10)
  })

  it('are called a second time when billing does not tell', async () => {
    const calls: string[] = []
    const conduit = await scriptConduit((prompt) => {
      calls.push(prompt)
      return prompt.endsWith('p-2') ? failure(402, 'BILLING_INSUFFICIENT_FUNDS') : completion()
    })
    await fed(2000, (n) => n === 2)
    const worker = await startTestWorker(session, { baseUrl: conduit.baseUrl, concurrency: 2 })
    await eventually(
      'it is a dead letter',
      async () => (await fields())['failed:unaffordable_request'] === '1',
    )
    expect(calls.filter((prompt) => prompt.endsWith('p-2'))).toHaveLength(2)
    await worker.close()
    await expectCalm()
  })

  it('wait for whoever comes next, when the process dies that had them', async () => {
    simulator = await startSimulator(ACCOUNT)
    await fed(30, (n) => n === 0)
    const first = await startTestWorker(session, { ...simulator, concurrency: 1 })
    await eventually('it is parked', async () => (await counts()).delayed === 1)
    await first.close()
    await startTestWorker(session, { ...simulator, concurrency: 10 })
    await ended(30)
    expect(await fields()).toMatchObject({ completed: '29', 'failed:unaffordable_request': '1' })
    await expectCalm()
  })
})

describe('an account that runs empty', () => {
  it('with nothing left holds the queue without a probe, and every job waits for its turn', async () => {
    simulator = await startSimulator({ balanceCents: 100, latencyMs: { min: 5, max: 10 } })
    await fed(300, () => false)
    await startTestWorker(session, { ...simulator, concurrency: 20 })
    await givenBack()
    expect(await session.gate.read()).toMatchObject({ holds: [{ reason: 'credits' }], pauses: 1 })
    expect(await session.redis.hlen(session.keys.outbox)).toBe(1)
    expect(simulator.stats()).toMatchObject({ completed: 100 })
    expect(simulator.stats().calls).toBeLessThanOrEqual(120)
    expect((await fields()).failed).toBe('0')
  })

  it('with a few cents left sends one probe, holds, and goes on when it is topped up', async () => {
    simulator = await startSimulator({ balanceCents: 253, costCents: 5, latencyMs: { min: 5, max: 10 } })
    await fed(120, () => false)
    const worker = await startTestWorker(session, { ...simulator, concurrency: 20 })
    await givenBack()
    expect(simulator.stats()).toMatchObject({ completed: 50, balanceCents: 3 })
    expect(simulator.stats().calls).toBeLessThanOrEqual(71)
    simulator.control({ topUpCents: 2000 })
    await session.gate.lift('credits', 'person')
    await worker.admission.mirrorGate()
    await ended(120)
    expect(await fields()).toMatchObject({ completed: '120', failed: '0', retries: '0' })
    expect(simulator.stats()).toMatchObject({ repeatedCompletions: 0 })
    expect(await session.gate.pastIncidents(5)).toMatchObject([{ failedProbes: 0 }])
  })

  it('for large requests first loses none of those that were of a usual size', async () => {
    simulator = await startSimulator({
      balanceCents: 60,
      costCents: 0,
      costPerTokenCents: 0.01,
      latencyMs: { min: 5, max: 10 },
    })
    const sizes = Array.from({ length: 400 }, (_, n) => request(`p-${n}`, 'x'.repeat((n * 37) % 400)))
    batch = await testBatch(jsonLines(sizes), {}, session)
    await feedAll(batch)
    const worker = await startTestWorker(session, { ...simulator, concurrency: 10 })
    await givenBack()
    expect((await fields()).failed).toBe('0')
    simulator.control({ topUpCents: 2000 })
    await session.gate.lift('credits', 'person')
    await worker.admission.mirrorGate()
    await ended(400)
    expect(await fields()).toMatchObject({ completed: '400', failed: '0' })
  })
})
