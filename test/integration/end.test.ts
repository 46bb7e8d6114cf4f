import { beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { requests } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { holdRequest } from '../support/gates.js'

let session: Session
let batch: TestBatch
beforeEach(async () => {
  session = await testSession()
  batch = await testBatch(requests(2), {}, session)
})

const outbox = async () => Object.keys(await session.redis.hgetall(session.keys.outbox))
const end = (id: string) => session.store.end(id, 'completed', '')

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
