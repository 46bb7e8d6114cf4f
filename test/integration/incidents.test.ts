import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../../src/admission/gate.js'
import { forgetIncidents, noteIncident, readUncosted, tendIncident } from '../../src/admission/incidents.js'
import { DEFAULT_REMINDERS_MS } from '../../src/alerts/settings.js'
import { createProducer, ProducerOptionInvalid } from '../../src/index.js'
import { testSession } from '../support/batches.js'
import { holdRequest, personHold, type TestGate, testGate } from '../support/gates.js'
import { ageIncident } from '../support/incidents.js'
import { connectForTest, redisTarget, uniquePrefix } from '../support/redis.js'

const HOUR_MS = 3_600_000

let redis: Redis
let sessions: Redis[]
let test: TestGate
beforeAll(async () => {
  sessions = await Promise.all([0, 1, 2, 3].map(() => connectForTest()))
  redis = sessions[0] as Redis
})
beforeEach(() => {
  test = testGate(redis)
})

const open = async () => (await test.gate.read()).incident
const newest = async () => (await test.gate.incidents(1))[0]
const kinds = async () =>
  Object.values(await test.outbox())
    .map(({ type }) => type)
    .sort()
const nothingWaits = () => redis.srem(test.keys.activeBatches, 'b1')
const inbox = (total: number, completed: number, failed: number) =>
  redis.hset(test.keys.inbox.batch, { total, completed, failed })

describe('hundreds of 402s at once, in four sessions', () => {
  it('are one incident with one hold, and one entry in the outbox', async () => {
    const gates = sessions.map((session) => createGate(session, test.keys, 'default'))
    const placed = await Promise.all(
      Array.from({ length: 400 }, (_, n) => gates[n % 4]?.hold(holdRequest({ by: `worker-${n % 4}` }))),
    )
    expect(placed.filter((reply) => reply === 'placed')).toHaveLength(1)
    expect(placed.filter((reply) => reply === 'joined')).toHaveLength(399)
    expect((await open())?.holds).toHaveLength(1)
    expect(await kinds()).toEqual(['incident.opened'])
  })
})

describe('the holds of an incident', () => {
  it('are all there: failed probes, other reasons, and who or what lifted each', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('*', 'person', 'alice')
    await test.gate.hold(holdRequest({ epoch: 1, message: 'Still nothing' }))
    await test.gate.hold(holdRequest({ reason: 'credentials', code: 'API_KEY_INVALID', epoch: 1 }))
    await test.gate.lift('credits', 'credits_seen')
    expect((await open())?.holds).toMatchObject([
      { reason: 'credits', by: 'worker-1', liftedBy: 'person', liftedWho: 'alice' },
      { reason: 'credits', message: 'Still nothing', liftedBy: 'credits_seen', liftedWho: null },
      { reason: 'credentials', code: 'API_KEY_INVALID', liftedAt: null, liftedBy: null },
    ])
    expect(await open()).toMatchObject({ failedProbes: 1, liftedAt: null, resolvedAt: null })
    await test.gate.lift('credentials', 'new_key')
    await test.ask(0, { gateEpoch: 2, answered: 1 })
    expect(await newest()).toMatchObject({
      resolvedBy: 'success',
      liftedBy: 'new_key',
      holds: [{}, {}, { liftedBy: 'new_key', liftedAt: expect.any(Number) }],
    })
    expect(await kinds()).toEqual(['incident.opened', 'incident.resolved'])
  })

  it('have that of a person among them who had paused before', async () => {
    await test.gate.hold(personHold())
    await test.gate.hold(holdRequest())
    expect((await open())?.holds).toMatchObject([{ reason: 'person', by: 'alice' }, { reason: 'credits' }])
    expect(await open()).toMatchObject({ reason: 'credits' })
  })

  it('are a hundred at most: the first, the last, and those that are there', async () => {
    await test.gate.hold(holdRequest({ message: 'first' }))
    for (let epoch = 1; epoch <= 104; epoch++) {
      await test.gate.lift('*', 'time')
      await test.gate.hold(holdRequest({ epoch, message: `probe ${epoch}` }))
    }
    const incident = await open()
    expect(incident?.failedProbes).toBe(104)
    expect(incident?.holds).toHaveLength(100)
    expect(incident?.holds.map(({ message }) => message)).toEqual([
      'first',
      ...Array.from({ length: 99 }, (_, n) => `probe ${n + 6}`),
    ])
  })
})

describe('an incident while nothing waits', () => {
  it('is over with its last hold, whoever lifts it', async () => {
    await nothingWaits()
    await test.gate.hold(holdRequest())
    await test.gate.hold(holdRequest({ reason: 'credentials' }))
    await test.gate.lift('credits', 'credits_seen')
    expect(await open()).not.toBeNull()
    await test.gate.lift('*', 'person', 'alice')
    expect(await open()).toBeNull()
    expect(await newest()).toMatchObject({ resolvedBy: 'nothing_waits', liftedBy: 'person' })
    expect(await kinds()).toEqual(['incident.opened', 'incident.resolved'])
    // The gate stays careful: the next call goes alone.
    expect(await test.gate.read()).toMatchObject({ probing: true, holds: [] })
  })

  it('is over with its last hold, when that is time', async () => {
    await nothingWaits()
    await test.gate.hold(holdRequest({ reason: 'spending_limit' }))
    const hold = (await test.gate.read()).holds[0]
    await redis.hset(test.keys.gate, 'hold:spending_limit', JSON.stringify({ ...hold, until: 1 }))
    await test.ask(0)
    expect(await newest()).toMatchObject({
      resolvedBy: 'nothing_waits',
      liftedBy: 'time',
      holds: [{ liftedBy: 'time' }],
    })
  })

  it('goes on while a single request waits, and is over when the last one ended somehow', async () => {
    await nothingWaits()
    await inbox(3, 1, 1)
    await test.gate.hold(holdRequest())
    await test.gate.lift('*', 'person')
    expect(await tendIncident(redis, test.keys, DEFAULT_REMINDERS_MS)).toBe('nothing')
    expect(await open()).not.toBeNull()
    await inbox(3, 1, 2)
    expect(await tendIncident(redis, test.keys, DEFAULT_REMINDERS_MS)).toBe('resolved')
    expect(await newest()).toMatchObject({ resolvedBy: 'nothing_waits', liftedBy: 'person' })
    expect(await tendIncident(redis, test.keys, DEFAULT_REMINDERS_MS)).toBe('nothing')
  })
})

describe('reminders', () => {
  const tend = (on = redis) => tendIncident(on, test.keys, DEFAULT_REMINDERS_MS)
  const age = (hours: number) => ageIncident(redis, test.keys, hours * HOUR_MS)

  it('come after 1 h, 4 h, and then every day', async () => {
    await test.gate.hold(holdRequest())
    const toldAfter: number[] = []
    for (let hours = 0; hours <= 75; hours++) {
      if ((await tend()) === 'reminded') toldAfter.push(hours)
      expect(await tend()).toBe('nothing')
      await age(1)
    }
    expect(toldAfter).toEqual([1, 4, 24, 48, 72])
    const id = (await open())?.id
    expect(await open()).toMatchObject({ reminders: 5 })
    expect(Object.keys(await test.outbox()).sort()).toEqual(
      ['opened', 1, 2, 3, 4, 5].map((n) => (n === 'opened' ? `${id}-opened` : `${id}-reminder-${n}`)),
    )
  })

  it('that were missed while nothing ran are one, whoever asks', async () => {
    await test.gate.hold(holdRequest())
    await age(100)
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => tend(sessions[n % 4])))
    expect(replies.filter((reply) => reply === 'reminded')).toHaveLength(1)
    // The next one is that of the fifth day.
    await age(19)
    expect(await tend()).toBe('nothing')
    await age(1)
    expect(await tend()).toBe('reminded')
  })

  it('come at once when an incident that needed nobody comes to need somebody', async () => {
    await test.gate.hold(holdRequest({ reason: 'daily_quota' }))
    expect(await tend()).toBe('nothing')
    await test.gate.hold(holdRequest({ reason: 'credits' }))
    expect(await tend()).toBe('reminded')
    expect(await tend()).toBe('nothing')
  })

  it('count anew from a second reason on, and not from a failed probe', async () => {
    await test.gate.hold(holdRequest())
    await age(3)
    expect(await tend()).toBe('reminded')
    await test.gate.lift('*', 'credits_seen')
    await test.gate.hold(holdRequest({ epoch: 1 }))
    await age(1)
    expect(await tend()).toBe('reminded')
    await test.gate.hold(holdRequest({ reason: 'credentials', epoch: 1 }))
    await age(0.9)
    expect(await tend()).toBe('nothing')
    await age(0.2)
    expect(await tend()).toBe('reminded')
  })

  it.each([
    ['the daily quota alone holds', () => test.gate.hold(holdRequest({ reason: 'daily_quota' }))],
    [
      'a person alone holds',
      async () => {
        await test.gate.hold(holdRequest())
        await test.gate.hold(personHold())
        await test.gate.lift('credits', 'credits_seen')
      },
    ],
    [
      'it was lifted and waits for a success',
      async () => {
        await test.gate.hold(holdRequest())
        await test.gate.lift('*', 'person')
      },
    ],
    [
      'nothing waits',
      async () => {
        await test.gate.hold(holdRequest())
        await nothingWaits()
      },
    ],
  ])('do not come while %s', async (_, hold) => {
    await hold()
    await age(50)
    expect(await tend()).toBe('nothing')
    expect(await open()).toMatchObject({ reminders: 0 })
  })

  it('come as settings say, and not at all when these say none', async () => {
    await test.gate.hold(holdRequest())
    await age(50)
    expect(await tendIncident(redis, test.keys, [])).toBe('nothing')
    expect(await tendIncident(redis, test.keys, [60_000])).toBe('reminded')
    expect(await tendIncident(redis, test.keys, [60_000])).toBe('nothing')
    await age(0.02)
    expect(await tendIncident(redis, test.keys, [60_000])).toBe('reminded')
  })
})

describe('what waited when it was told', () => {
  it('is noted once, also when it is over meanwhile', async () => {
    await test.gate.hold(holdRequest())
    const id = (await open())?.id ?? ''
    await noteIncident(redis, test.keys, 'i-another', { waiting: 1, costToFinishCents: 1 })
    expect(await open()).toMatchObject({ waiting: null })
    await test.gate.lift('*', 'person')
    await test.ask(0, { gateEpoch: 1, answered: 1 })
    await noteIncident(redis, test.keys, id, { waiting: 17, costToFinishCents: 12.5 })
    expect(await newest()).toMatchObject({ id, waiting: 17, costToFinishCents: 12.5 })
    await noteIncident(redis, test.keys, id, { waiting: 3, costToFinishCents: null })
    expect(await newest()).toMatchObject({ waiting: 17 })
  })

  it('may hear of the cost later, when nobody could tell it at first', async () => {
    await test.gate.hold(holdRequest())
    const id = (await open())?.id ?? ''
    expect(await readUncosted(redis, test.keys)).toBe(null)
    await noteIncident(redis, test.keys, id, { waiting: 17, costToFinishCents: null })
    expect(await readUncosted(redis, test.keys)).toEqual({ id, waiting: 17 })
    await noteIncident(redis, test.keys, id, { waiting: 17, costToFinishCents: 34 })
    expect(await open()).toMatchObject({ waiting: 17, costToFinishCents: 34 })
    expect(await readUncosted(redis, test.keys)).toBe(null)
  })
})

describe('the history', () => {
  it('is bounded by count and by age, the newest first, what is open before all', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('*', 'person')
    await test.ask(0, { gateEpoch: 1, answered: 1 })
    const [raw = ''] = await redis.lrange(test.keys.incidents, 0, 0)
    const aged = Array.from({ length: 250 }, (_, n) =>
      JSON.stringify({ ...JSON.parse(raw), id: `i-${n}`, resolvedAt: 1000 + n }),
    )
    await redis.del(test.keys.incidents)
    await redis.lpush(test.keys.incidents, ...aged)
    await test.gate.hold(holdRequest({ epoch: 1 }))
    await test.gate.lift('*', 'person')
    await test.ask(0, { gateEpoch: 2, answered: 1 })
    const kept = await test.gate.pastIncidents(1000)
    expect(kept).toHaveLength(200)
    expect(kept.at(-1)?.id).toBe('i-51')
    expect(await forgetIncidents(redis, test.keys, 1000 + 240)).toBe(189)
    expect((await test.gate.pastIncidents(1000)).slice(1).map(({ id }) => id)).toEqual(
      Array.from({ length: 10 }, (_, n) => `i-${249 - n}`),
    )
    await test.gate.hold(holdRequest({ epoch: 2 }))
    expect((await test.gate.incidents(2)).map(({ resolvedAt }) => resolvedAt === null)).toEqual([true, false])
  })
})

describe('a program', () => {
  it('reads them through the library, as many as it asks for', async () => {
    const keyPrefix = uniquePrefix()
    const target = redisTarget()
    await using producer = createProducer({ redis: 'url' in target ? target.url : target, keyPrefix })
    expect(await producer.incidents()).toEqual([])
    const { gate } = await testSession(keyPrefix)
    await gate.hold(holdRequest())
    await gate.lift('*', 'person')
    await gate.hold(holdRequest({ epoch: 1 }))
    expect(await producer.incidents()).toMatchObject([
      { resolvedAt: null },
      { resolvedBy: 'nothing_waits', holds: [{ reason: 'credits' }] },
    ])
    expect(await producer.incidents({ limit: 1 })).toHaveLength(1)
    await expect(producer.incidents({ limit: 0 })).rejects.toThrow(ProducerOptionInvalid)
  })
})
