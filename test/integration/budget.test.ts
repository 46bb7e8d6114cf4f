import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/alerts/deliveries.js'
import { drainOutbox } from '../../src/alerts/outbox.js'
import { createBudget } from '../../src/batches/budget/budget.js'
import { feedPortion } from '../../src/batches/feeder.js'
import { readKept, writeKept } from '../../src/batches/inherit/kept-marks.js'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import type { Session } from '../../src/batches/session.js'
import type { BatchOptions } from '../../src/completions/request.js'
import { costCents } from '../../src/credits/prices.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget } from '../../workers/feed-budget.js'
import { jsonLines, request, requests } from '../support/batch-files.js'
import { QUICK_OPTIONS, silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { startTestWorker, type TestWorker } from '../support/completion-worker.js'
import { answered } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { waitingJobs } from '../support/jobs.js'
import { raisePace } from '../support/pace.js'

/** The simulator's answers are short: a few hundred dollars a million tokens make cents of them. */
const PRICE = { input: 100, output: 400 }
const PRICES = { 'gpt-4o-mini': PRICE }

let session: Session
let simulator: Simulator
let aheadMs: number
const running = new Set<BatchWorker | TestWorker>()
beforeEach(async () => {
  session = await testSession()
  await raisePace(session)
  simulator = await startSimulator()
  aheadMs = 0
})
afterEach(async () => {
  await Promise.all([...running].map((worker) => worker.close()))
  running.clear()
  await simulator.close()
})

/** Both roles, as processes tie them. */
async function work(batch: TestBatch, centsPerToken: number | null = null): Promise<void> {
  running.add(
    startBatchWorker({
      lease: batch.lease,
      store: session.store,
      work: { ...batch.deps, now: () => Date.now() + aheadMs, centsPerToken: async () => centsPerToken },
      budget: createFeedBudget(session),
      log: silent,
      onTrouble: () => {},
    }),
  )
  running.add(await startTestWorker(session, { baseUrl: simulator.baseUrl, concurrency: 20 }))
}

/** Its first 60 are in the queue, before there is a budget. */
async function feedAll(batch: TestBatch): Promise<void> {
  const chunks = await batch.chunks()
  await feedPortion(batch.id, 100, chunks, batch.deps)
  await chunks.close()
  expect(await waitingJobs(session.completions)).toHaveLength(60)
}

async function snapshot({ id }: TestBatch) {
  const seen = await readBatchSnapshot(session, id)
  if (seen === null) throw new Error('the batch is gone')
  return seen
}
const until = (batch: TestBatch, state: string) =>
  eventually(`the batch is ${state}`, async () => (await snapshot(batch)).state === state)
const answers = () => simulator.stats().completed
const again = (batch: TestBatch, options: Partial<BatchOptions>) =>
  registerBatch(session, batch.directory, batch.manifest, { ...QUICK_OPTIONS, ...options })

async function alertsSent(): Promise<object[]> {
  const sent: object[] = []
  const queue = { add: async (_: string, job: Delivery) => void sent.push(job.alert) }
  const looks = { waiting: session.store.waiting, costToFinish: async () => null }
  await drainOutbox(session.redis, session.keys, queue as never, looks, [])
  return sent
}

describe('a budget of requests', () => {
  it('is kept exactly: retries and lines that can’t be sent are no requests; then a person is asked once', async () => {
    simulator.control({ faults: [{ fault: 'STATUS_503', probability: 0.2 }] })
    const lines = requests(150)
      .split('\n')
      .map((line, index) => (index % 5 === 4 ? 'no JSON' : line))
    const batch = await testBatch(lines.join('\n'), { maxRequests: 37 }, session)
    await work(batch)
    await until(batch, 'stopped')
    expect(answers()).toBe(37)
    const seen = await snapshot(batch)
    expect(seen).toMatchObject({
      completed: 37,
      reason: 'its budget of 37 requests is used up',
      brake: null,
      overBudget: { budget: 'requests', limit: 37, used: 37 },
    })
    expect(await session.store.active(batch.directory.id)).toEqual([])
    expect(await alertsSent()).toMatchObject([
      {
        type: 'batch.over_budget',
        batch: batch.id,
        limit: 37,
        waiting: seen.total - seen.completed - seen.failed,
        action: expect.stringContaining(`conduit-batch resume ${batch.id}`),
      },
    ])

    expect(await session.store.resumeBraked(batch.id, { maxRequests: 37 })).toBe('too_little')
    expect(await session.store.resumeBraked(batch.id, { maxRequests: 60 })).toBe('resumed')
    await until(batch, 'stopped')
    expect(answers()).toBe(60)
    expect(await session.store.resumeBraked(batch.id)).toBe('resumed')
    expect(await session.store.resumeBraked(batch.id)).toBe('not_braked')
    await until(batch, 'completed')
    expect(answers()).toBe(120)
  })

  it('stops nothing that fits', async () => {
    const rest = 'no JSON\n'.repeat(700)
    const batch = await testBatch(`${requests(20)}${rest}`, { maxRequests: 20 }, session)
    await work(batch)
    await until(batch, 'completed')
  })

  it('is the same command’s to raise or to leave out; what a person let go beyond it stays so', async () => {
    const batch = await testBatch(requests(60), { maxRequests: 10 }, session)
    await work(batch)
    await until(batch, 'stopped')
    await again(batch, { maxRequests: 10 })
    expect(await snapshot(batch)).toMatchObject({ state: 'stopped', overBudget: { limit: 10 } })
    await again(batch, { maxRequests: 20 })
    await until(batch, 'stopped')
    expect(answers()).toBe(20)
    await session.store.resumeBraked(batch.id)
    await again(batch, { maxRequests: 20 })
    await until(batch, 'completed')
    expect(answers()).toBe(60)
  })

  it('is kept also when it comes late, with more in the queue already, and when it is raised then', async () => {
    const batch = await testBatch(requests(60), {}, session)
    await feedAll(batch)
    await again(batch, { maxRequests: 20 })
    await work(batch)
    await until(batch, 'stopped')
    expect(answers()).toBe(20)
    expect(await snapshot(batch)).toMatchObject({
      completed: 20,
      overBudget: { budget: 'requests', limit: 20 },
    })
    await again(batch, { maxRequests: 35 })
    await eventually('15 more are answered, and it stops', async () => {
      return answers() === 35 && (await snapshot(batch)).state === 'stopped'
    })
    await again(batch, {})
    await until(batch, 'completed')
    expect(answers()).toBe(60)
  })

  it('is kept across a crash between feeding and its mark, though some were answered meanwhile', async () => {
    const batch = await testBatch(requests(300), { maxRequests: 100 }, session)
    const chunks = await batch.chunks()
    const isKept = await readKept(batch.paths.directory)
    const feed = (store = session.store) =>
      feedPortion(batch.id, 70, chunks, { ...batch.deps, store }, async ({ fedRequests }) => ({
        requests: 100 - fedRequests,
        isKept,
      }))
    await feed()
    const dies = async () => {
      throw new Error('killed')
    }
    await expect(feed({ ...session.store, advance: dies })).rejects.toThrow('killed')
    for (const index of [3, 75, 99]) await batch.record(index, answered(batch.place(index)))
    await feed()
    expect(await feed()).toMatchObject({ count: 0 })
    await chunks.close()
    expect(await waitingJobs(session.completions)).toHaveLength(100)
    expect(await session.store.marks(batch.id)).toMatchObject({ fed: 100, fedRequests: 100 })
  })

  it('does not count what an edited file brought along', async () => {
    const batch = await testBatch(requests(40), {}, session)
    const taken = new Uint8Array(40)
    for (const index of [0, 1, 2, 12]) taken[index] = 1
    await writeKept(batch.paths.directory, taken)
    const isKept = await readKept(batch.paths.directory)
    for (const index of [0, 1, 2, 12]) await batch.record(index, answered(batch.place(index)))
    const chunks = await batch.chunks()
    await feedPortion(batch.id, 40, chunks, batch.deps, async () => ({ requests: 10, isKept }))
    await chunks.close()
    expect((await waitingJobs(session.completions)).map(({ data }) => data.index)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 10, 11, 13,
    ])
  })
})

describe('a budget of money', () => {
  /** Of very different lengths. */
  const uneven = (count: number) =>
    jsonLines(
      Array.from({ length: count }, (_, n) => request(`p-${n}`, 'word '.repeat(20 + ((n * 37) % 90)))),
    )

  /** As the simulator counted. */
  const spent = (tokens: { prompt_tokens: number; completion_tokens: number }) =>
    costCents(PRICE, { prompt: tokens.prompt_tokens, completion: tokens.completion_tokens })

  it('is used up to the last request that fits, by the prices that the batch came with', async () => {
    const batch = await testBatch(uneven(400), { maxCostCents: 100, prices: PRICES }, session)
    await work(batch)
    await until(batch, 'stopped')
    const seen = await snapshot(batch)
    const cost = spent(seen.usage)
    expect(seen.costCents).toBeCloseTo(cost)
    expect(seen).toMatchObject({ overBudget: { budget: 'cost', limit: 100, used: seen.costCents } })
    const dearest = 2.5
    expect(cost).toBeGreaterThan(100 - dearest)
    expect(cost).toBeLessThanOrEqual(100 + dearest)
    expect(answers()).toBe(seen.completed)
    expect(seen.completed).toBeGreaterThan(30)
    await session.store.resumeBraked(batch.id)
    await until(batch, 'completed')
  })

  it('takes back what was in the queue before it came', async () => {
    const batch = await testBatch(uneven(60), {}, session)
    await feedAll(batch)
    await again(batch, { maxCostCents: 20, prices: PRICES })
    simulator.control({ latencyMs: { min: 700, max: 700 } })
    await work(batch)
    await until(batch, 'stopped')
    const seen = await snapshot(batch)
    expect(seen.completed).toBe(answers())
    expect(seen.completed).toBeLessThan(60)
    simulator.control({ latencyMs: { min: 0, max: 0 } })
    await again(batch, {})
    await until(batch, 'completed')
    expect(answers()).toBe(60)
  })

  it('is kept by what the balance told where there are no prices', async () => {
    const batch = await testBatch(uneven(200), { maxCostCents: 40 }, session)
    await work(batch, 0.02)
    await until(batch, 'stopped')
    const { usage, overBudget } = await snapshot(batch)
    const cost = usage.total_tokens * 0.02
    expect(overBudget?.used).toBeCloseTo(cost)
    expect(cost).toBeGreaterThan(36)
    expect(cost).toBeLessThanOrEqual(44)
  })

  /** All of it is fed, and nobody works on it. */
  async function fedBatch(count: number, options: Partial<BatchOptions>): Promise<TestBatch> {
    const batch = await testBatch(requests(count), options, session)
    const chunks = await batch.chunks()
    await feedPortion(batch.id, 20, chunks, batch.deps)
    await chunks.close()
    return batch
  }
  const answer = async (batch: TestBatch, count: number) => {
    for (let n = 0; n < count; n++) await batch.record(n, answered(batch.place(n)))
  }
  const marksOf = async ({ id }: TestBatch) => {
    const marks = await session.store.marks(id)
    if (marks === null) throw new Error('the batch is gone')
    return marks
  }

  it('does not stop what has just been answered to the last request', async () => {
    const batch = await fedBatch(20, { maxCostCents: 20 * 12 })
    await answer(batch, 20)
    const budget = createBudget(batch.id, 'default', { ...batch.deps, centsPerToken: async () => 1 })
    expect(await budget.stopWhenUsedUp(await marksOf(batch))).toBe(false)
  })

  it('gives the balance time to tell from the last answer on, however long the answers took', async () => {
    const batch = await fedBatch(100, { maxCostCents: 100 })
    const deps = { ...batch.deps, now: () => aheadMs, centsPerToken: async () => null }
    const budget = createBudget(batch.id, 'default', deps)
    const stops = async (afterMs: number) => {
      aheadMs += afterMs
      return budget.stopWhenUsedUp(await marksOf(batch))
    }
    await answer(batch, 1)
    expect(await stops(0)).toBe(false)
    await answer(batch, 20)
    expect(await stops(100_000)).toBe(false)
    expect(await stops(100_000)).toBe(true)
  })

  it('is asked about when nobody can tell what answers cost, after 20 of them', async () => {
    const batch = await testBatch(requests(100), { maxCostCents: 100 }, session)
    await work(batch)
    await eventually('20 answers', async () => (await snapshot(batch)).completed === 20)
    expect((await snapshot(batch)).state).toBe('running')
    await eventually('it has stopped', async () => {
      aheadMs += 100_000
      return (await snapshot(batch)).state === 'stopped'
    })
    expect(answers()).toBe(20)
    expect(await snapshot(batch)).toMatchObject({ costCents: null, overBudget: { limit: 100, used: null } })
  })
})
