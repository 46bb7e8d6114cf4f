import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { partialName } from '../../src/batches/publish.js'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import type { Session } from '../../src/batches/session.js'
import { countJobs } from '../../src/completions/queues.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget } from '../../workers/feed-budget.js'
import {
  expectAnswers,
  ids,
  idsOf,
  jsonLines,
  readOutput,
  request,
  requests,
} from '../support/batch-files.js'
import { leaseOn, silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { startTestWorker, type TestWorker } from '../support/completion-worker.js'
import { answered, refused } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { holdRequest, personHold } from '../support/gates.js'
import { takeFromWaiting } from '../support/jobs.js'
import { raisePace } from '../support/pace.js'
import { uniquePrefix } from '../support/redis.js'

let keyPrefix: string
let session: Session
let simulator: Simulator
let troubles: string[]
/** The clock of the batch workers: what is added to it, and how often it was looked at. */
let clock: { aheadMs: number; looks: number }
const workers = new Set<BatchWorker>()
beforeEach(async () => {
  keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
  await raisePace(session)
  troubles = []
  clock = { aheadMs: 0, looks: 0 }
})
afterEach(async () => {
  await Promise.all([...workers].map((worker) => worker.close()))
  workers.clear()
  await simulator?.close()
})

function now(): number {
  clock.looks++
  return Date.now() + clock.aheadMs
}

/** The batches role of a process: what workers/roles.ts ties, without the other roles. */
function startBatches(batch: TestBatch): BatchWorker {
  const worker = startBatchWorker({
    lease: batch.lease,
    store: session.store,
    work: { ...batch.deps, now },
    budget: createFeedBudget(session),
    log: silent,
    onTrouble: (text) => troubles.push(text),
  })
  workers.add(worker)
  return worker
}

async function stop(batches: BatchWorker, completions: TestWorker): Promise<void> {
  await completions.close()
  await batches.close()
  workers.delete(batches)
}

const call = () => startTestWorker(session, { baseUrl: simulator.baseUrl, concurrency: 40 })
const stateOf = async ({ id }: TestBatch) => (await session.store.marks(id))?.state
const untilState = (batch: TestBatch, state: string) =>
  eventually(`the batch is ${state}`, async () => (await stateOf(batch)) === state)

it('a batch is fed however many single requests wait, and no more than its own share', async () => {
  simulator = await startSimulator()
  const batch = await testBatch(requests(520), {}, session)
  const others = Array.from({ length: 2100 }, (_, i) => ({
    name: 'x',
    data: {},
    opts: { jobId: `x-${i}`, priority: 2 },
  }))
  await session.completions.addBulk(others)
  const mayFeed = async () => (await createFeedBudget(session)([batch.id], async () => 0)).next() !== null
  expect(await mayFeed()).toBe(true)
  await session.redis.hset(session.keys.batch(batch.id), 'fed', 2500, 'total', 5000)
  // Far from being next, so all that was fed of it still waits.
  await session.redis.hset(session.keys.turns, batch.id, 64_000)
  expect(await mayFeed()).toBe(false)
})

describe('a batch', () => {
  it('is fed, called, collected and finished: every line in one of the two files, under their final names', async () => {
    simulator = await startSimulator()
    const batch = await testBatch(`${requests(520)}not JSON\n`, {}, session)
    startBatches(batch)
    await call()
    await untilState(batch, 'completed')
    await expectAnswers(batch.manifest.output, ids(520))
    expect(await readOutput(batch.manifest.errors)).toMatchObject([
      { custom_id: 'line-521', error: { code: 'invalid_json_line', line: 521 } },
    ])
    await expect(stat(partialName(batch.manifest.output))).rejects.toThrow('ENOENT')
    expect(simulator.stats()).toMatchObject({ calls: 520, repeatedCalls: 0 })
    expect(await readBatchSnapshot(session, batch.id)).toMatchObject({
      state: 'completed',
      total: 521,
      fed: 521,
      completed: 520,
      failed: 1,
      reason: null,
      finishedAt: expect.any(Number),
    })
  })

  it('has no errors file when nothing failed', async () => {
    simulator = await startSimulator()
    const batch = await testBatch(requests(3), {}, session)
    startBatches(batch)
    await call()
    await untilState(batch, 'completed')
    await expect(stat(batch.manifest.errors)).rejects.toThrow('ENOENT')
  })

  it('is fed no further than a few seconds of work, however long it is', async () => {
    await session.redis.hset(session.keys.pace, 'rate', 1)
    const batch = await testBatch(requests(3000), {}, session)
    startBatches(batch)
    const fed = async () => (await session.store.marks(batch.id))?.fed
    await eventually('two hundred are fed', async () => (await fed()) === 200)
    await batch.record(2999, answered(batch.place(2999)))
    await eventually('there is room for another portion', async () => (await fed()) === 300)
    await batch.record(2998, answered(batch.place(2998)))
    await eventually('it went on', async () => (await session.store.marks(batch.id))?.collected === 2)
    expect(await fed()).toBe(300)
  })
})

describe('a Redis that lost everything', () => {
  async function loseEverything(): Promise<void> {
    for await (const keys of session.redis.scanStream({ match: `{${keyPrefix}[:}]*`, count: 1000 })) {
      if (keys.length > 0) await session.redis.del(...keys)
    }
  }

  it('costs no second call: the answers in the files are recognised, the rest is called', async () => {
    simulator = await startSimulator({ balanceCents: 120 })
    const batch = await testBatch(`${requests(200)}not JSON\n`, {}, session)
    const first = [startBatches(batch), await call()] as const
    await eventually('the money is spent, and all that was bought is on disk', async () => {
      const marks = await session.store.marks(batch.id)
      return marks?.completed === 120 && marks.collected === 121
    })
    await stop(...first)
    expect(await readOutput(batch.paths.results)).toHaveLength(120)

    await loseEverything()
    simulator.control({ topUpCents: 1000 })
    expect(await session.store.register(batch.manifest, batch.directory.id)).toBe('running')
    await raisePace(session)
    startBatches(batch)
    await call()
    await untilState(batch, 'completed')
    expect(simulator.stats()).toMatchObject({ completed: 200, promptsCompletedMoreThanOnce: 0 })
    await expectAnswers(batch.manifest.output, ids(200))
    expect(idsOf(await readOutput(batch.manifest.errors))).toEqual(['line-201'])
    expect(await readBatchSnapshot(session, batch.id)).toMatchObject({
      completed: 200,
      failed: 1,
      failedByCode: { invalid_json_line: 1 },
    })
  })

  it('after the last answer costs none at all', async () => {
    simulator = await startSimulator()
    const batch = await testBatch(requests(60), {}, session)
    const first = [startBatches(batch), await call()] as const
    await untilState(batch, 'completed')
    await stop(...first)
    await loseEverything()
    await session.store.register(batch.manifest, batch.directory.id)
    startBatches(batch)
    await call()
    await untilState(batch, 'completed')
    expect(simulator.stats().calls).toBe(60)
    await expectAnswers(batch.manifest.output, ids(60))
  })
})

describe('a job that Redis lost', () => {
  it('is fed again once the batch stands still', async () => {
    simulator = await startSimulator()
    const batch = await testBatch(requests(5), {}, session)
    startBatches(batch)
    const { completions, redis } = session
    await eventually('all are fed', async () => (await countJobs(completions)).waiting === 5)
    // Once at the opening, once after the first look for lost ones, and then whether it is time for another.
    await eventually('it has looked for lost ones', () => clock.looks > 2)
    const lost = `${batch.id}-3-0`
    await redis.del(completions.toKey(lost))
    await takeFromWaiting(session, lost)
    await call()
    await eventually(
      'the others are done',
      async () => (await session.store.marks(batch.id))?.collected === 4,
    )
    clock.aheadMs += 60_000
    await untilState(batch, 'completed')
    expect(simulator.stats()).toMatchObject({ calls: 5, repeatedCalls: 0 })
  })
})

describe('trouble of a batch', () => {
  it('with an input that was edited stops it, and only it, with a message that names the lines', async () => {
    simulator = await startSimulator()
    const batch = await testBatch(requests(520), {}, session)
    const text = await readFile(batch.inputPath, 'utf8')
    await writeFile(batch.inputPath, text.replace('say p-510', 'say x-510'))
    const others = ids(20, 1001).map((id) => request(id))
    const other = await testBatch(jsonLines(others), {}, session)
    startBatches(batch)
    startBatches(other)
    await call()
    await untilState(batch, 'stopped')
    await untilState(other, 'completed')
    const { reason } = (await readBatchSnapshot(session, batch.id)) ?? {}
    expect(reason).toContain(batch.inputPath)
    expect(reason).toMatch(/lines 501–520/)

    await writeFile(batch.inputPath, text)
    await session.store.reopen(batch.id)
    await eventually('the batch is completed, time passing quickly', async () => {
      clock.aheadMs += 50
      return (await stateOf(batch)) === 'completed'
    })
    await expectAnswers(batch.manifest.output, ids(520))
    expect(simulator.stats().promptsCompletedMoreThanOnce).toBe(0)
    expect(await readBatchSnapshot(session, batch.id)).toMatchObject({ reason: null, completed: 520 })
  })

  it('with a results file that somebody shortened stops it and says so', async () => {
    const batch = await testBatch(requests(20), {}, session)
    for (const index of [0, 1, 2]) await batch.record(index, answered(batch.place(index)))
    const first = startBatches(batch)
    await eventually('it is on disk', async () => (await session.store.marks(batch.id))?.collected === 3)
    await first.close()
    workers.delete(first)
    await truncate(batch.paths.results, 20)
    await batch.lease.hold()
    startBatches(batch)
    await untilState(batch, 'stopped')
    expect((await readBatchSnapshot(session, batch.id))?.reason).toMatch(/results\.jsonl.*shortened.*--fresh/)
  })

  it('that may pass is told, and tried again until it has passed', async () => {
    const batch = await testBatch(requests(2), {}, session)
    const outDirectory = dirname(batch.manifest.output)
    await rm(outDirectory, { recursive: true })
    for (const index of [0, 1]) await batch.record(index, answered(batch.place(index)))
    startBatches(batch)
    await eventually('it is told', () => troubles.length > 0)
    expect(troubles[0]).toContain(batch.id)
    expect(await stateOf(batch)).toBe('running')
    await mkdir(outDirectory)
    await untilState(batch, 'completed')
    expect(idsOf(await readOutput(batch.manifest.output))).toEqual(ids(2))
  })
})

describe('a batch that was stopped and is reopened', () => {
  it('counts its pauses on, those of the time in between included', async () => {
    const batch = await testBatch(requests(5), {}, session)
    const pauses = async () => (await readBatchSnapshot(session, batch.id))?.pauses
    await session.gate.hold(holdRequest())
    await session.store.end(batch.id, 'stopped', 'why')
    await session.gate.lift('*', 'person')
    expect(await pauses()).toBe(1)
    await session.store.reopen(batch.id)
    await session.gate.hold(personHold())
    expect(await pauses()).toBe(2)
  })
})

describe('a process that closes', () => {
  it('writes what has come, and gives the directory free for the next one', async () => {
    const batch = await testBatch(requests(1500), {}, session)
    const worker = startBatches(batch)
    await eventually('it works', async () => ((await session.store.marks(batch.id))?.fed ?? 0) > 0)
    const indexes = Array.from({ length: 1300 }, (_, index) => index)
    await Promise.all(indexes.map((index) => batch.record(index, answered(batch.place(index)))))
    await batch.record(1300, refused(batch.place(1300)))
    await worker.close()
    workers.delete(worker)
    expect(await readOutput(batch.paths.results)).toHaveLength(1300)
    expect(await readOutput(batch.paths.errors)).toHaveLength(1)
    expect(await session.redis.xlen(session.keys.stream(batch.id))).toBe(0)
    expect(await leaseOn(session, batch.directory, 'deadbeef-1-1').hold()).toBe(true)
  })

  it('is the only one at work in its directory until then', async () => {
    const batch = await testBatch(requests(10), {}, session)
    const first = startBatches(batch)
    await eventually('it works', async () => (await session.store.marks(batch.id))?.fed === 10)
    const waiting = { ...batch, lease: leaseOn(session, batch.directory, 'deadbeef-1-1') }
    expect(await waiting.lease.hold()).toBe(false)
    await first.close()
    workers.delete(first)
    await batch.record(0, answered(batch.place(0)))
    startBatches({ ...waiting, deps: { ...batch.deps, leaseToken: () => waiting.lease.token } })
    await eventually(
      'the next one goes on',
      async () => (await session.store.marks(batch.id))?.collected === 1,
    )
  })
})
