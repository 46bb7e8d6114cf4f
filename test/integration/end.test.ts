import { beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { requests } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'
import { holdRequest } from '../support/gates.js'

let session: Session
let batch: TestBatch
beforeEach(async () => {
  session = await testSession()
  batch = await testBatch(requests(2), {}, session)
})

const outbox = async () => Object.keys(await session.redis.hgetall(session.keys.outbox))
const end = (id: string) => session.store.end(id, 'replaced', '')

describe('the end of the last batch', () => {
  it('is the end of an incident that was lifted, though no call succeeded since', async () => {
    await session.gate.hold(holdRequest())
    await session.gate.lift('*', 'person')
    await end(batch.id)
    const [incident] = await session.gate.pastIncidents(1)
    expect(incident).toMatchObject({ reason: 'credits', liftedBy: 'person' })
    expect(incident?.resolvedAt).not.toBeNull()
    expect((await session.gate.read()).incident).toBeNull()
    expect((await outbox()).map((id) => id.split('-').at(-1)).sort()).toEqual(['opened', 'resolved'])
  })

  it('leaves an incident alone whose cause still holds', async () => {
    await session.gate.hold(holdRequest())
    await end(batch.id)
    expect((await session.gate.read()).incident).not.toBeNull()
    expect(await outbox()).toHaveLength(1)
  })

  it('is not the end of it while another batch waits', async () => {
    await testBatch(requests(1), {}, session)
    await session.gate.hold(holdRequest())
    await session.gate.lift('*', 'person')
    await end(batch.id)
    expect((await session.gate.read()).incident).not.toBeNull()
  })
})

describe('a batch is completed', () => {
  const complete = () => session.store.end(batch.id, 'completed', '')
  const emptyStream = () => session.redis.del(session.keys.stream(batch.id))
  beforeEach(async () => {
    await batch.record(0, answered(batch.place(0)))
    await batch.record(1, refused(batch.place(1)))
  })

  it('once every request has ended and all is on disk', async () => {
    expect(await complete()).toBe(false)
    await emptyStream()
    expect(await complete()).toBe(true)
    expect(await session.store.draining(batch.directory.id)).toEqual([])
  })

  it('not while a retry waits to be fed', async () => {
    await emptyStream()
    await session.redis.zadd(session.keys.retries(batch.id), 1, '1')
    expect(await complete()).toBe(false)
  })

  it('not while a superseded line is in its errors file', async () => {
    await emptyStream()
    await session.redis.hset(session.keys.batch(batch.id), 'superseded', 1)
    expect(await complete()).toBe(false)
  })
})

describe('a batch that is ended early', () => {
  it('is drained until all that came is on disk, late answers included', async () => {
    await end(batch.id)
    expect(await session.store.draining(batch.directory.id)).toEqual([batch.id])
    expect(await session.store.drained(batch.id)).toBe(true)
    await batch.record(0, answered(batch.place(0)))
    expect(await session.store.draining(batch.directory.id)).toEqual([batch.id])
    expect(await session.store.drained(batch.id)).toBe(false)
  })
})
