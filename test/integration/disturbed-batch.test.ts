import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBatchWork } from '../../src/batches/batch-work.js'
import { purgeBatch } from '../../src/batches/purge.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import { renewFiles } from '../../src/batches/renew.js'
import { revisionPaths, settleDraft } from '../../src/batches/revision.js'
import type { Session } from '../../src/batches/session.js'
import { createDeadLetters, type DeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget } from '../../workers/feed-budget.js'
import { expectAnswers, ids, jsonLines, readOutput, request } from '../support/batch-files.js'
import { leaseOn, silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { startTestWorker, type TestWorker } from '../support/completion-worker.js'
import { eventually } from '../support/eventually.js'
import { waitingJobs } from '../support/jobs.js'
import { raisePace } from '../support/pace.js'

let session: Session
let simulator: Simulator
let letters: DeadLetters
let caller: TestWorker
let batches: BatchWorker | null
beforeEach(async () => {
  session = await testSession()
  await raisePace(session)
  letters = createDeadLetters(session.redis, session.keys, session.deadLetters)
  simulator = await startSimulator()
  caller = await startTestWorker(session, { baseUrl: simulator.baseUrl })
  batches = null
})
afterEach(async () => {
  await caller.close()
  await batches?.close()
  await simulator.close()
})

async function work(batch: TestBatch): Promise<void> {
  await batch.lease.hold()
  batches = startBatchWorker({
    lease: batch.lease,
    store: session.store,
    work: { ...batch.deps, bury: letters.bury },
    budget: createFeedBudget(session),
    log: silent,
    onTrouble: () => undefined,
  })
}

async function stopWork(): Promise<void> {
  await batches?.close()
  batches = null
}

const untilIs = (batch: TestBatch, state: string) =>
  eventually(`the batch is ${state}`, async () => (await session.store.marks(batch.id))?.state === state)

async function retryAll(batch: TestBatch): Promise<number> {
  const found: string[] = []
  for await (const page of letters.find({ batch: batch.id })) found.push(...page)
  return (await letters.retry(found, null)).retried
}

/** Five requests, the last of which is refused once; and so they have ended. */
async function finished(): Promise<TestBatch> {
  const input = jsonLines(ids(5).map((id) => request(id, id === 'p-5' ? '[[VALIDATION_ERROR x1]]' : '')))
  const batch = await testBatch(input, {}, session)
  await work(batch)
  await untilIs(batch, 'completed')
  return batch
}

const fresh = () => testBatch(jsonLines(ids(5).map((id) => request(id))), {}, session)
const register = (batch: TestBatch) =>
  registerBatch(session, batch.directory, batch.manifest, batch.manifest.options)

describe('a batch that was stopped or cancelled', () => {
  it('because a file was damaged goes on in the same worker, once the file is back', async () => {
    const batch = await finished()
    await stopWork()
    const { results } = revisionPaths(batch.paths.directory, 0)
    const whole = await readFile(results)
    await writeFile(results, whole.subarray(0, 100))
    await retryAll(batch)
    await work(batch)
    await untilIs(batch, 'stopped')
    await eventually('it is let go', async () => (await draining(batch)).length === 0)

    await writeFile(results, whole)
    await register(batch)
    await untilIs(batch, 'completed')
    await expectAnswers(batch.manifest.output, ids(5))
    expect(simulator.stats()).toMatchObject({ calls: 6 })
  })

  it('is fed to its end when it runs again while a worker has it open', async () => {
    const batch = await fresh()
    const opened = await openBatchWork(batch.manifest, batch.deps)
    await session.store.end(batch.id, 'stopped', 'by hand')
    expect((await opened.feed(500)).count).toBe(0)
    await register(batch)
    expect((await opened.feed(500)).count).toBe(5)
    await opened.close()
  })

  it('has what waited as jobs again when it runs again, though not all was fed', async () => {
    await caller.close()
    const batch = await fresh()
    const opened = await openBatchWork(batch.manifest, batch.deps)
    expect((await opened.feed(3)).count).toBe(3)
    await opened.collect()
    await session.store.end(batch.id, 'stopped', 'by hand')
    await opened.collect()
    // As workers let them go: their batch does not run.
    for (const job of await waitingJobs(session.completions)) await job.remove()
    await register(batch)
    await opened.collect()
    expect(await waitingJobs(session.completions)).toHaveLength(3)
    await opened.close()
  })

  it('is drained no more when its directory is gone', async () => {
    const batch = await fresh()
    await session.store.end(batch.id, 'stopped', 'by hand')
    await rm(batch.paths.directory, { recursive: true })
    expect(await draining(batch)).toEqual([batch.id])
    await work(batch)
    await eventually('it is let go', async () => (await draining(batch)).length === 0)
  })

  it('does not run again while it is being purged', async () => {
    const batch = await fresh()
    await session.store.end(batch.id, 'stopped', 'by hand')
    const { redis, keys } = session
    const crash = () => Promise.reject(new Error('crash'))
    const deps = {
      redis,
      keys,
      queue: session.completions,
      directory: batch.directory,
      purgeDeadLetters: crash,
    }
    await expect(purgeBatch(batch.manifest, deps)).rejects.toThrow('crash')
    await expect(register(batch)).rejects.toMatchObject({ code: 'batch_being_purged' })
    expect(await session.store.active(batch.directory.id)).toEqual([])
  })
})

const draining = (batch: TestBatch) => session.store.draining(batch.directory.id)

describe('making the files of a batch anew', () => {
  async function renewal(batch: TestBatch, store = session.store, lease = batch.lease.token): Promise<void> {
    const marks = await session.store.marks(batch.id)
    if (marks === null) throw new Error('the batch is gone')
    const { directory } = batch.paths
    const pinned = { lease, run: '' }
    await renewFiles({ batch: batch.id, directory, marks, pinned, published: true }, { ...batch.deps, store })
  }

  it('leaves everything as it is after another process has taken over', async () => {
    const batch = await finished()
    await stopWork()
    await batch.lease.hold()
    await session.redis.del(session.keys.lease(batch.directory.id))
    await leaseOn(session, batch.directory, 'deadbeef-1-1').hold()
    await expect(renewal(batch)).rejects.toMatchObject({ code: 'lease_lost' })
    for (const path of Object.values(revisionPaths(batch.paths.directory, 1)))
      await expect(readFile(path)).rejects.toThrow('ENOENT')
  })

  it('never overwrites what the successor has made meanwhile', async () => {
    const batch = await finished()
    await stopWork()
    await batch.lease.hold()
    const { results } = revisionPaths(batch.paths.directory, 1)
    const overtaken: Session['store'] = {
      ...session.store,
      async advance(...args) {
        await session.store.advance(...args)
        await writeFile(results, 'of the successor')
      },
    }
    await expect(renewal(batch, overtaken)).rejects.toMatchObject({ code: 'revision_taken' })
    expect(await readFile(results, 'utf8')).toBe('of the successor')
    expect(await session.store.marks(batch.id)).toMatchObject({ revision: 0 })
  })

  it('gives no draft a name that is taken', async () => {
    const { paths } = await fresh()
    const [draft, taken] = [join(paths.directory, 'draft'), join(paths.directory, 'taken')]
    await writeFile(draft, 'new')
    await writeFile(taken, 'old')
    await expect(settleDraft(draft, taken)).rejects.toMatchObject({ code: 'revision_taken' })
    expect(await readFile(taken, 'utf8')).toBe('old')
  })
})

it('a Redis that is older than the files costs no call', async () => {
  const batch = await finished()
  await stopWork()
  await retryAll(batch)
  const { redis, keys } = session
  const names = [keys.batch, keys.done, keys.generations, keys.retries, keys.edits].map((of) => of(batch.id))
  const older = await Promise.all(names.map((name) => redis.dumpBuffer(name)))
  await work(batch)
  await untilIs(batch, 'completed')
  await stopWork()
  expect((await session.store.marks(batch.id))?.revision).toBeGreaterThan(0)
  const { calls } = simulator.stats()

  await redis.del(...names)
  for (const [i, name] of names.entries()) {
    const value = older[i]
    if (value) await redis.restore(name, 0, value)
  }
  await redis.sadd(keys.activeBatches, batch.id)
  expect(await session.store.marks(batch.id)).toMatchObject({ state: 'running', revision: 0 })
  await work(batch)
  await untilIs(batch, 'completed')
  await expectAnswers(batch.manifest.output, ids(5))
  expect(simulator.stats().calls).toBe(calls)
})

it('a dead letter whose line was edited is one again, says so, and can be retried once the line is back', async () => {
  const batch = await finished()
  const input = await readFile(batch.inputPath, 'utf8')
  await writeFile(batch.inputPath, input.replaceAll('say p-5', 'say p-6'))
  expect(await retryAll(batch)).toBe(1)
  await untilIs(batch, 'completed')
  expect(await readOutput(batch.manifest.errors)).toMatchObject([
    { custom_id: 'p-5', error: { code: 'input_changed' } },
  ])
  expect(await letters.get(`${batch.id}-4-1`)).toMatchObject({ code: 'input_changed', customId: 'p-5' })

  await writeFile(batch.inputPath, input)
  expect(await retryAll(batch)).toBe(1)
  await untilIs(batch, 'completed')
  await expectAnswers(batch.manifest.output, ids(5))
})
