import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BatchWork, openBatchWork } from '../../src/batches/batch-work.js'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import type { Session } from '../../src/batches/session.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import type { BatchOptions } from '../../src/completions/request.js'
import { ids, idsOf, readOutput, requests } from '../support/batch-files.js'
import { QUICK_OPTIONS, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { startTestWorker } from '../support/completion-worker.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { answered, refused } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { raisePace } from '../support/pace.js'

/** More than one chunk, so that not all of it is fed. */
const TOTAL = 600

let session: Session
let opened: BatchWork | null
beforeEach(async () => {
  session = await testSession()
  opened = null
})
afterEach(async () => opened?.close())

const marksOf = async ({ id }: TestBatch) => {
  const found = await session.store.marks(id)
  if (found === null) throw new Error('the batch is gone')
  return found
}
const stateOf = async (batch: TestBatch) => (await marksOf(batch)).state
const codesIn = async (path: string) =>
  (await readOutput(path)).map(({ error }) => error?.code ?? 'of its own')
const options = (more: Partial<BatchOptions> = {}): BatchOptions => ({ ...QUICK_OPTIONS, ...more })
/** As the same command does it. */
const again = (batch: TestBatch, more: Partial<BatchOptions> = {}) =>
  registerBatch(session, batch.directory, batch.manifest, options(more))

/** One round of the batch worker, in a process that dies after it when `crashing`. */
async function round(batch: TestBatch, crashing: boolean): Promise<void> {
  opened ??= await openBatchWork(batch.manifest, batch.deps)
  await opened.collect()
  await opened.settleEnd()
  if (!crashing) return
  await opened.close()
  opened = null
}

async function workUntil(
  batch: TestBatch,
  what: string,
  isSo: () => Promise<boolean>,
  crashing = false,
): Promise<void> {
  await eventually(what, async () => {
    await round(batch, crashing)
    return isSo()
  })
}

/** 500 of them fed, three answered, one a dead letter; then it is cancelled. */
async function underWay(): Promise<TestBatch> {
  const batch = await testBatch(requests(TOTAL), {}, session)
  opened = await openBatchWork(batch.manifest, batch.deps)
  await opened.feed(500)
  for (const index of [0, 7, 499]) await batch.record(index, answered(batch.place(index)))
  await batch.record(8, refused(batch.place(8)))
  return batch
}

async function expectWhole(batch: TestBatch, code: string): Promise<void> {
  const [answers, failures] = [
    await readOutput(batch.manifest.output),
    await readOutput(batch.manifest.errors),
  ]
  expect(idsOf([...answers, ...failures])).toEqual(ids(TOTAL).sort())
  expect(answers).toHaveLength(3)
  expect(failures.filter(({ error }) => error?.code === code)).toHaveLength(TOTAL - 4)
  expect(failures.find(({ custom_id }) => custom_id === `p-${TOTAL}`)).toMatchObject({
    response: null,
    error: { code, line: TOTAL },
  })
  expect(await marksOf(batch)).toMatchObject({ completed: 3, failed: TOTAL - 3, unfinished: TOTAL - 4 })
  expect((await readdir(dirname(batch.manifest.output))).filter((name) => /partial/.test(name))).toEqual([])
}

describe.each([
  ['worked on to its end', false],
  ['whose worker dies after every step', true],
])('a batch that is cancelled, %s', (_, crashing) => {
  it('ends whole, and is opened again as it was', async () => {
    const batch = await underWay()
    expect(await session.store.cancel(batch.id, 'by hand')).toBe(true)
    expect(await session.store.cancel(batch.id, 'by hand')).toBe(false)
    expect(await stateOf(batch)).toBe('cancelling')
    await workUntil(batch, 'it is cancelled', async () => (await stateOf(batch)) === 'cancelled', crashing)
    await expectWhole(batch, 'batch_cancelled')
    // What only the cancel has ended is no dead letter, and nothing is left behind.
    expect(await session.deadLetters.getJobCountByTypes('wait', 'prioritized')).toBe(1)
    expect(await session.completions.getJobCountByTypes('wait', 'delayed', 'prioritized', 'active')).toBe(0)
    expect(await session.redis.xlen(session.keys.stream(batch.id))).toBe(0)
    expect(await session.store.draining(batch.directory.id)).toEqual([])

    await opened?.close()
    opened = null
    await again(batch)
    const isOpen = async () => {
      const { unfinished, reopening } = await marksOf(batch)
      if (unfinished === 0 && reopening === null) return true
      expect((await opened?.feed(500))?.count ?? 0).toBe(0)
      return false
    }
    await workUntil(batch, 'it is open again', isOpen, crashing)
    expect(await marksOf(batch)).toMatchObject({ state: 'running', completed: 3, failed: 1, collected: 4 })
    expect(await session.redis.bitcount(session.keys.done(batch.id))).toBe(4)
    // Until it is whole again, people see what was there.
    await expect(readFile(batch.manifest.errors, 'utf8')).resolves.toContain('batch_cancelled')

    const indexes = Array.from({ length: TOTAL }, (_, index) => index)
    await Promise.all(indexes.map((index) => batch.record(index, answered(batch.place(index)))))
    const done = async () => (await stateOf(batch)) === 'completed'
    await session.store.advance(batch.id, batch.directory.id, batch.lease.token, { fed: TOTAL })
    await workUntil(batch, 'it is completed', done, crashing)
    expect(await readOutput(batch.manifest.output)).toHaveLength(TOTAL - 1)
    expect(await codesIn(batch.manifest.errors)).toEqual(['of its own'])
  }, 20_000)
})

describe('a batch that is cancelled', () => {
  it('waits for its calls: answers count, what would be called again does not', async () => {
    await raisePace(session)
    const conduit = await scriptConduit()
    const caller = await startTestWorker(session, { baseUrl: conduit.baseUrl })
    const batch = await testBatch(requests(5), {}, session)
    opened = await openBatchWork(batch.manifest, batch.deps)
    await opened.feed(500)
    await eventually('calls are out', () => conduit.calls.length === 5)
    await session.store.cancel(batch.id, 'by hand')
    for (const _ of [1, 2, 3]) await round(batch, true)
    expect(await marksOf(batch)).toMatchObject({ state: 'cancelling', failed: 0 })
    for (const [i, call] of conduit.calls.entries()) {
      call.answer(i < 3 ? completion(`an answer to: ${call.prompt}`) : { status: 500, body: {} })
    }
    await workUntil(batch, 'it is cancelled', async () => (await stateOf(batch)) === 'cancelled')
    expect(await readOutput(batch.manifest.output)).toHaveLength(3)
    expect(await codesIn(batch.manifest.errors)).toEqual(['batch_cancelled', 'batch_cancelled'])
    expect(conduit.calls).toHaveLength(5)
    await caller.close()
  })

  it('is completed when nothing is left to cancel', async () => {
    const batch = await testBatch(requests(2), {}, session)
    opened = await openBatchWork(batch.manifest, batch.deps)
    for (const index of [0, 1]) await batch.record(index, answered(batch.place(index)))
    await session.store.cancel(batch.id, 'by hand')
    await workUntil(batch, 'it is completed', async () => (await stateOf(batch)) === 'completed')
    expect(await session.redis.hexists(session.keys.batch(batch.id), 'reason')).toBe(0)
  })

  it('ends though its input was edited', async () => {
    const batch = await underWay()
    await writeFile(batch.inputPath, requests(3))
    await session.store.cancel(batch.id, 'by hand')
    await workUntil(batch, 'it is cancelled', async () => (await stateOf(batch)) === 'cancelled')
    expect(await readOutput(batch.manifest.errors)).toHaveLength(TOTAL - 3)
  })

  it('stays so when Redis has forgotten only that', async () => {
    const batch = await underWay()
    await session.store.cancel(batch.id, 'by hand')
    await workUntil(batch, 'some of it is on disk', async () => (await marksOf(batch)).collected > 4)
    await opened?.close()
    opened = null
    await session.redis.hset(session.keys.batch(batch.id), 'state', 'running')
    await workUntil(batch, 'it is cancelled', async () => (await stateOf(batch)) === 'cancelled')
    await expectWhole(batch, 'batch_cancelled')
  })

  it('stays so when Redis has lost it, until somebody wants it to run', async () => {
    const batch = await underWay()
    await session.store.cancel(batch.id, 'by hand')
    const started = async () => (await marksOf(batch)).collected > 4
    await workUntil(batch, 'some of it is on disk', started)
    const lose = async () => {
      await opened?.close()
      opened = null
      const { redis, keys } = session
      await redis.del(keys.batch(batch.id), keys.done(batch.id), keys.stream(batch.id), keys.activeBatches)
    }
    await lose()
    await registerBatch(session, batch.directory, batch.manifest)
    await workUntil(batch, 'it is cancelled', async () => (await stateOf(batch)) === 'cancelled')
    await expectWhole(batch, 'batch_cancelled')
    await lose()
    await again(batch)
    const isOpen = async () =>
      (await marksOf(batch)).completed === 3 && (await marksOf(batch)).unfinished === 0
    await workUntil(batch, 'it is open again', isOpen)
    await workUntil(batch, 'none is left to open', async () => (await marksOf(batch)).reopening === null)
    expect(await session.redis.bitcount(session.keys.done(batch.id))).toBe(4)
    expect(await session.deadLetters.getJobCountByTypes('wait', 'prioritized')).toBe(1)
  })
})

describe('a completion window', () => {
  it('ends a batch once it is over, and a longer one opens it again', async () => {
    const batch = await underWay()
    await again(batch, { completionWindowMs: 3600_000 })
    expect(await session.store.expire(batch.id)).toBe(false)
    await again(batch, { completionWindowMs: 1 })
    await workUntil(batch, 'it has expired', async () => (await stateOf(batch)) === 'expired')
    await expectWhole(batch, 'batch_expired')
    await again(batch, { completionWindowMs: 2 })
    expect(await stateOf(batch)).toBe('expired')
    await again(batch, { completionWindowMs: 3600_000 })
    expect(await stateOf(batch)).toBe('running')
    const isOpen = async () => (await session.redis.bitcount(session.keys.done(batch.id))) === 4
    await workUntil(batch, 'it is open again', isOpen)
  })

  it('that is over does not end what is retried of a completed batch; one that is not counts again', async () => {
    const batch = await testBatch(requests(1), {}, session)
    opened = await openBatchWork(batch.manifest, batch.deps)
    await opened.feed(1)
    await batch.record(0, refused(batch.place(0)))
    await workUntil(batch, 'it is completed', async () => (await stateOf(batch)) === 'completed')
    const letters = createDeadLetters(session.redis, session.keys, session.deadLetters)
    expect((await letters.retry([`${batch.id}-0-0`], null)).retried).toBe(1)
    for (const _ of ['typed', 'typed again']) {
      await again(batch, { completionWindowMs: 1 })
      expect(await session.store.expire(batch.id)).toBe(false)
    }
    expect((await readBatchSnapshot(session, batch.id))?.expiresAt).toBeNull()
    await again(batch, { completionWindowMs: 3600_000 })
    expect((await readBatchSnapshot(session, batch.id))?.expiresAt).toBeGreaterThan(Date.now())
    await again(batch, { completionWindowMs: 1 })
    expect(await session.store.expire(batch.id)).toBe(true)
  })
})
