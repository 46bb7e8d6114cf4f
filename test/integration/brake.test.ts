import { beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/alerts/deliveries.js'
import { drainOutbox } from '../../src/alerts/outbox.js'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import type { Session } from '../../src/batches/session.js'
import { recordAll } from '../../src/completions/record.js'
import { requests } from '../support/batch-files.js'
import { QUICK_OPTIONS, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'

let session: Session
let batch: TestBatch
let next: number
beforeEach(async () => {
  session = await testSession()
  batch = await testBatch(requests(500), {}, session)
  next = 0
})

const snapshot = async () => {
  const seen = await readBatchSnapshot(session, batch.id)
  if (seen === null) throw new Error('the batch is gone')
  return seen
}
const stateNow = async () => (await snapshot()).state

/** Outcomes of calls for the next requests, one trip each. */
async function calls(...outcomes: readonly ('ok' | string)[]): Promise<void> {
  for (const outcome of outcomes) {
    const place = batch.place(next++)
    const dead = refused(place)
    const ending = outcome === 'ok' ? answered(place) : { ...dead, letter: { ...dead.letter, code: outcome } }
    await recordAll(session.redis, session.keys, batch.id, [{ place, ending }])
  }
}
const times = (count: number, outcome: string) => Array<string>(count).fill(outcome)

describe('the brake', () => {
  it('stops a batch when nearly all of its first 20 requests are dead with one code', async () => {
    await calls('ok', ...times(18, 'NO_MODEL'))
    expect(await stateNow()).toBe('running')
    await calls('NO_MODEL')
    expect(await snapshot()).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('19 of its last 20 requests failed with NO_MODEL'),
      brake: { code: 'NO_MODEL', count: 19, of: 20, message: 'There is no such model', queue: 'default' },
    })
    expect(await session.store.active(batch.directory.id)).toEqual([])
    expect(await session.store.draining(batch.directory.id)).toEqual([batch.id])
  })

  it('looks at the last 200 of a longer one, and at each code by itself', async () => {
    await calls(...times(300, 'ok'), ...times(100, 'A'), ...times(90, 'B'))
    expect(await stateNow()).toBe('running')
    const long = await testBatch(requests(900), {}, session)
    batch = long
    next = 0
    await calls(...times(300, 'ok'), ...times(189, 'A'))
    expect(await stateNow()).toBe('running')
    await calls('A')
    expect(await snapshot()).toMatchObject({ state: 'stopped', brake: { count: 190, of: 200 } })
  })

  it('asks once, in the same step; calls in flight still count', async () => {
    await calls(...times(20, 'A'), 'A', 'ok')
    expect(await snapshot()).toMatchObject({ state: 'stopped', completed: 1, failed: 21, brake: { of: 20 } })
    const sent: unknown[] = []
    const alerts = { add: async (_: string, job: Delivery) => void sent.push(job.alert) } as never
    const looks = { waiting: session.store.waiting, costToFinish: async () => null }
    expect(await drainOutbox(session.redis, session.keys, alerts, looks, [])).toBe(1)
    expect(sent).toEqual([
      {
        type: 'batch.braked',
        id: expect.stringContaining('-braked-1-'),
        batch: batch.id,
        queue: 'default',
        reason: 'brake',
        code: 'A',
        message: `Batch ${batch.id} was stopped: 20 of its last 20 requests failed with A; the last one: There is no such model`,
        since: expect.stringMatching(/^20/),
        waiting: (await snapshot()).total - 22,
        action: expect.stringContaining(`conduit-batch resume ${batch.id}`),
      },
    ])
    expect(await session.redis.exists(session.keys.outbox)).toBe(0)
  })

  it('is released by a person: that code does not stop it again, another does', async () => {
    await calls(...times(20, 'A'))
    expect(await session.store.resumeBraked(batch.id)).toBe('resumed')
    expect(await session.store.resumeBraked(batch.id)).toBe('not_braked')
    await calls(...times(40, 'A'))
    expect(await snapshot()).toMatchObject({ state: 'running', brake: null, reason: null })
    await calls(...times(200, 'B'))
    expect(await snapshot()).toMatchObject({ state: 'stopped', brake: { code: 'B' } })
  })

  it('is not released once its completion window is over, until it has another or none', async () => {
    await calls(...times(20, 'A'))
    const again = (completionWindowMs: number) =>
      registerBatch(session, batch.directory, batch.manifest, { ...QUICK_OPTIONS, completionWindowMs })
    await again(1)
    expect(await session.store.resumeBraked(batch.id)).toBe('over')
    expect(await snapshot()).toMatchObject({ state: 'stopped', brake: { code: 'A' } })
    await again(3600_000)
    expect(await session.store.resumeBraked(batch.id)).toBe('resumed')
  })

  it('is not released by the same command, but by one that wants none', async () => {
    await calls(...times(20, 'A'))
    const again = (brake: boolean) =>
      registerBatch(session, batch.directory, batch.manifest, { ...QUICK_OPTIONS, brake })
    await again(true)
    expect(await stateNow()).toBe('stopped')
    await again(false)
    expect(await stateNow()).toBe('running')
    await calls(...times(40, 'A'))
    expect(await stateNow()).toBe('running')
  })

  it('does not count what was never sendable, and stops nothing when nothing is open', async () => {
    for (let index = 0; index < 40; index++) await batch.record(index, refused(batch.place(index)))
    expect(await stateNow()).toBe('running')
    batch = await testBatch(requests(20), {}, session)
    next = 0
    await calls(...times(20, 'A'))
    expect(await stateNow()).toBe('running')
  })
})
