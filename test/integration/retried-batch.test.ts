import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { partialName } from '../../src/batches/publish.js'
import type { Session } from '../../src/batches/session.js'
import { createDeadLetters, type DeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import type { Edit } from '../../src/completions/edit.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget, type FeedBudget } from '../../workers/feed-budget.js'
import { expectAnswers, ids, idsOf, jsonLines, readOutput, request } from '../support/batch-files.js'
import { silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { startTestWorker, type TestWorker } from '../support/completion-worker.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { personHold } from '../support/gates.js'
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

function work(batch: TestBatch, budget: FeedBudget = createFeedBudget(session)): void {
  batches = startBatchWorker({
    lease: batch.lease,
    store: session.store,
    work: { ...batch.deps, bury: letters.bury },
    budget,
    log: silent,
    onTrouble: () => undefined,
  })
}

async function stopWork(): Promise<void> {
  await batches?.close()
  batches = null
}

/** Ten requests; the last ones are refused with a 400 as often as told. */
const tenWith = (failing: readonly string[]) =>
  jsonLines(ids(10).map((id, at) => request(id, failing[at - 10 + failing.length] ?? '')))

const idsIn = async (path: string) => idsOf(await readOutput(path))
const marks = async ({ id }: TestBatch) => {
  const found = await session.store.marks(id)
  if (found === null) throw new Error('the batch is gone')
  return found
}
const untilCompleted = (batch: TestBatch) =>
  eventually('the batch is completed', async () => (await marks(batch)).state === 'completed')

async function lettersOf(batch: TestBatch): Promise<string[]> {
  const found: string[] = []
  for await (const page of letters.find({ batch: batch.id })) found.push(...page)
  return found
}

async function retryAll(batch: TestBatch, edit: Edit | null = null): Promise<number> {
  return (await letters.retry(await lettersOf(batch), edit)).retried
}

/** A batch that has run, with these failures at its end. */
async function finished(...failing: string[]): Promise<TestBatch> {
  const batch = await testBatch(tenWith(failing), {}, session)
  work(batch)
  await untilCompleted(batch)
  expect(await lettersOf(batch)).toHaveLength(failing.length)
  return batch
}

const filesOf = async (batch: TestBatch) =>
  (await readdir(batch.paths.directory)).filter((name) => /^(results|errors)/.test(name)).sort()

describe('a batch whose dead letters are retried', () => {
  it('becomes whole again: the answers land in its files, what is superseded leaves them', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]', '[[VALIDATION_ERROR x1]]', '[[NOT_FOUND]]')
    expect(await idsIn(batch.manifest.errors)).toEqual(ids(3, 8).sort())
    expect(await retryAll(batch)).toBe(3)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(9))
    expect(await readOutput(batch.manifest.errors)).toMatchObject([
      { id: `batch_req_${batch.id}_9_1`, custom_id: 'p-10' },
    ])
    expect(await marks(batch)).toMatchObject({ completed: 9, failed: 1, collected: 10 })
    expect(simulator.stats()).toMatchObject({ calls: 13, repeatedCompletions: 0 })
    expect(await lettersOf(batch)).toEqual([`${batch.id}-9-1`])
  })

  it('has no errors file any more once nothing failed, and keeps only the newest files', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]')
    await retryAll(batch)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(10))
    await expect(readFile(batch.manifest.errors)).rejects.toThrow('ENOENT')
    await expect(readFile(partialName(batch.manifest.errors))).rejects.toThrow('ENOENT')
    const { revision } = await marks(batch)
    expect(revision).toBeGreaterThan(0)
    // They are tidied up after the batch has ended.
    const newest = [`errors.r${revision}.jsonl`, `results.r${revision}.jsonl`]
    await eventually('the older ones are gone', async () => `${await filesOf(batch)}` === `${newest}`)
  })

  it('shows its whole files under their final names until the next ones are whole', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]', '[[VALIDATION_ERROR x2]]')
    const before = await readFile(batch.manifest.output, 'utf8')
    await session.gate.hold(personHold())
    await retryAll(batch)
    await eventually(
      'they are fed',
      async () => (await session.redis.zcard(session.keys.retries(batch.id))) === 0,
    )
    expect(await readFile(batch.manifest.output, 'utf8')).toBe(before)
    expect(await idsIn(batch.manifest.errors)).toEqual(ids(2, 9).sort())
    await session.gate.lift('*', 'person')
    // As housekeeping does it: a job that was just held may pause the queue once more.
    await eventually('it goes on', async () => {
      await caller.admission.mirrorGate()
      return (await marks(batch)).state === 'completed'
    })
    await expectAnswers(batch.manifest.output, ids(9))
    expect(await idsIn(batch.manifest.errors)).toEqual(['p-10'])
    await retryAll(batch)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(10))
  })

  it('waits until the queue has room for what is retried', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]', '[[VALIDATION_ERROR x1]]')
    await stopWork()
    await retryAll(batch)
    let room = false
    let asked = 0
    await batch.lease.hold()
    const budget = createFeedBudget(session)
    work(batch, async (...asking) => {
      asked++
      return room ? budget(...asking) : { next: () => null, fed: () => undefined }
    })
    await eventually('it asked for room', () => asked > 3)
    expect(await session.redis.zcard(session.keys.retries(batch.id))).toBe(2)
    expect(simulator.stats().calls).toBe(10)
    room = true
    await untilCompleted(batch)
    expect(simulator.stats().calls).toBe(12)
  })

  it('is called with what the retry changed in its body', async () => {
    const batch = await finished('[[NOT_FOUND]]')
    await retryAll(batch, { set: { model: 'gpt-4o', 'messages.0.content': 'say p-10 anew' } })
    await untilCompleted(batch)
    const answer = (await readOutput(batch.manifest.output)).find(({ custom_id }) => custom_id === 'p-10')
    expect(answer?.response?.body).toMatchObject({ model: 'gpt-4o' })
  })

  it('is dead again when the edit does not fit its body, and can be retried without it', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]')
    await retryAll(batch, { set: { 'model.name': 'x' } })
    await untilCompleted(batch)
    expect(await readOutput(batch.manifest.errors)).toMatchObject([
      { custom_id: 'p-10', error: { code: 'invalid_edit' } },
    ])
    expect(await retryAll(batch)).toBe(1)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(10))
  })

  it('is whole also after a crash in the middle of making its files anew', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]')
    await stopWork()
    await retryAll(batch)
    for (const name of ['results.r1.jsonl', 'errors.r1.jsonl.tmp', 'results.r2.jsonl.tmp']) {
      await writeFile(join(batch.paths.directory, name), 'half a li')
    }
    await batch.lease.hold()
    work(batch)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(10))
    expect(simulator.stats()).toMatchObject({ calls: 11 })
  })

  it('costs no call again after a Redis that lost everything', async () => {
    const batch = await finished('[[VALIDATION_ERROR x1]]', '[[NOT_FOUND]]')
    await retryAll(batch)
    await untilCompleted(batch)
    await stopWork()
    const { calls } = simulator.stats()
    for await (const keys of session.redis.scanStream({
      match: `${session.keys.tag}:*`,
      count: 1000,
    })) {
      if (keys.length > 0) await session.redis.del(...keys)
    }
    await session.store.register(batch.manifest, batch.directory.id)
    await batch.lease.hold()
    work(batch)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(9))
    expect(await readOutput(batch.manifest.errors)).toMatchObject([{ id: `batch_req_${batch.id}_9_1` }])
    expect(simulator.stats().calls).toBe(calls)
    // The letter has come back from its line, and can be retried as before.
    expect(await lettersOf(batch)).toEqual([`${batch.id}-9-1`])
  })
})

describe('a batch that is replaced', () => {
  it('keeps the answers of calls that were in flight, and goes on without calling them again', async () => {
    const conduit = await scriptConduit()
    await caller.close()
    caller = await startTestWorker(session, { baseUrl: conduit.baseUrl })
    const batch = await testBatch(tenWith([]), {}, session)
    work(batch)
    await eventually('calls are out', () => conduit.calls.length === 10)
    await session.store.end(batch.id, 'replaced', 'by hand')
    for (const call of conduit.calls) call.answer(completion(`an answer to: ${call.prompt}`))
    await eventually(
      'it is drained',
      async () => (await session.store.draining(batch.directory.id)).length === 0,
    )
    expect(await idsIn(partialName(batch.manifest.output))).toHaveLength(10)
    await session.store.reopen(batch.id)
    await untilCompleted(batch)
    await expectAnswers(batch.manifest.output, ids(10))
    expect(conduit.calls).toHaveLength(10)
  })
})
