import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSuspicionGate, type SuspicionGate } from '../../src/admission/suspicion.js'
import { holdRequest, personHold, type TestGate, testGate } from '../support/gates.js'
import { connectForTest } from '../support/redis.js'

let redis: Redis
let test: TestGate
let suspicions: SuspicionGate
beforeAll(async () => {
  redis = await connectForTest()
})
beforeEach(() => {
  test = testGate(redis)
  suspicions = createSuspicionGate(redis, test.keys, 'default')
})

const USUAL = { size: 'usual', lookMs: 0 } as const
const LARGE = { size: 'unknown', lookMs: 0 } as const
const FAR_LARGER = { size: 'far_larger', lookMs: 0 } as const

const refuse = (epoch: number, how: Parameters<SuspicionGate['suspect']>[1] = USUAL, over = {}) =>
  suspicions.suspect(holdRequest({ epoch, ...over }), how)
const kind = async (epoch = 1) => (await suspicions.look(epoch)).kind
const reasons = async () => (await test.gate.read()).holds.map(({ reason }) => reason)
/** A probe is on its way. */
const probe = async () => expect((await test.ask(5)).permits).toBe(1)

describe('a 402 in an open queue', () => {
  it('is a suspicion: no hold, no alert, and one call at a time in a new epoch', async () => {
    expect(await refuse(0)).toEqual({ suspected: 1 })
    expect(await kind()).toBe('pending')
    expect(await test.gate.read()).toMatchObject({ holds: [], incident: null, pauses: 0, probing: false })
    expect(await test.outbox()).toEqual({})
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 1 })
    expect((await test.ask(5)).permits).toBe(0)
  })

  it('joins the suspicion when its call was out with the first one', async () => {
    await refuse(0)
    expect(await refuse(0)).toEqual({ suspected: 1 })
    await probe()
    await test.ask(0, { gateEpoch: 1, answered: 1 })
    expect(await refuse(0)).toEqual({ suspected: 1 })
    expect(await kind()).toBe('cleared')
  })

  it('says nothing when its call was sent before that', async () => {
    await refuse(0)
    await probe()
    await test.ask(0, { gateEpoch: 1, answered: 1 })
    expect(await refuse(1)).toEqual({ suspected: 2 })
    expect(await refuse(0)).toBe('stale')
  })

  it('holds at once after an opening, or while the queue is held', async () => {
    await test.gate.hold(personHold())
    expect(await refuse(0)).toBe('placed')
    await test.gate.lift('*', 'person')
    await probe()
    expect(await refuse(1)).toBe('placed')
    expect(await reasons()).toEqual(['credits'])
    expect(await test.gate.read()).toMatchObject({ incident: { failedProbes: 1 } })
  })
})

describe('a 402 of the first call after an opening', () => {
  /** Of a hold for trouble, whose incident waits for a success. */
  async function lifted(): Promise<void> {
    await test.gate.hold(holdRequest())
    await test.gate.lift('*', 'credits_seen')
    await probe()
  }

  it('is a suspicion where no incident waits for a success', async () => {
    await test.gate.hold(personHold())
    await test.gate.lift('*', 'person')
    await probe()
    expect(await refuse(1, LARGE)).toEqual({ suspected: 2 })
    expect(await test.gate.read()).toMatchObject({ holds: [], incident: null })
  })

  it('is one where it was far larger than what was answered; the next success ends the incident', async () => {
    await lifted()
    expect(await refuse(1, FAR_LARGER)).toEqual({ suspected: 2 })
    await probe()
    await test.ask(0, { gateEpoch: 2, answered: 1 })
    expect(await kind(2)).toBe('cleared')
    expect(await test.gate.pastIncidents(1)).toMatchObject([{ failedProbes: 0, resolvedBy: 'success' }])
  })

  it('is the same incident when the next one is refused too', async () => {
    await lifted()
    await refuse(1, FAR_LARGER)
    await probe()
    expect(await refuse(2)).toBe('placed')
    expect(await test.gate.read()).toMatchObject({ incident: { failedProbes: 1 } })
    expect(Object.keys(await test.outbox())).toHaveLength(1)
  })

  it('waits for a success all the same when nobody else is there to bring it', async () => {
    await lifted()
    await refuse(1, FAR_LARGER)
    await suspicions.clear(2)
    await probe()
    await test.ask(0, { gateEpoch: 2, answered: 1 })
    expect(await test.gate.pastIncidents(1)).toMatchObject([{ resolvedBy: 'success' }])
  })
})

describe('a suspicion', () => {
  it('is cleared by the first other request that is answered, and nobody is told', async () => {
    await refuse(0)
    await probe()
    expect(await test.ask(3, { gateEpoch: 1, answered: 1 })).toMatchObject({ state: 'open', permits: 3 })
    expect(await kind()).toBe('cleared')
    expect(await test.outbox()).toEqual({})
  })

  it('is a hold when the probe is refused too: on the first evidence, with one alert', async () => {
    await refuse(0, USUAL, { requestId: 'req_first', message: 'first' })
    await probe()
    expect(await refuse(1, USUAL, { requestId: 'req_second' })).toBe('placed')
    expect(await kind()).toBe('emptied')
    const { holds, incident } = await test.gate.read()
    expect(holds).toMatchObject([{ reason: 'credits', requestId: 'req_first', message: 'first' }])
    expect(incident).toMatchObject({ requestId: 'req_first', failedProbes: 0 })
    expect(Object.keys(await test.outbox())).toHaveLength(1)
    expect(await test.ask(5, { gateEpoch: 1, otherwise: 1 })).toMatchObject({ state: 'held', permits: 0 })
  })

  it('goes on when the probe is larger than what was ever answered, but not for ever', async () => {
    await refuse(0, LARGE)
    for (const _ of [1, 2, 3, 4]) {
      await probe()
      expect(await refuse(1, LARGE)).toEqual({ suspected: 1 })
      await test.ask(0, { gateEpoch: 1, otherwise: 1 })
    }
    await probe()
    expect(await refuse(1, LARGE)).toBe('placed')
  })

  it('lets no probe go before the balance was looked at, and then at once', async () => {
    await refuse(0, { ...USUAL, lookMs: 60_000 })
    expect((await test.ask(5)).permits).toBe(0)
    await suspicions.probeNow(1)
    await probe()
    // A second look changes nothing: the probe is out.
    await suspicions.probeNow(1)
    expect((await test.ask(5)).permits).toBe(0)
  })

  it('does not wait for a look that never ends', async () => {
    await refuse(0, { ...USUAL, lookMs: 1 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    await probe()
  })

  it('is a hold when the account is known to be empty, once', async () => {
    await refuse(0)
    expect(await suspicions.confirm(7)).toBe('stale')
    expect(await suspicions.confirm(1)).toBe('placed')
    expect(await suspicions.confirm(1)).toBe('stale')
    expect(await kind()).toBe('emptied')
    expect(Object.keys(await test.outbox())).toHaveLength(1)
  })

  it('is over without an answer when something else holds the queue', async () => {
    await refuse(0)
    await test.gate.hold(holdRequest({ reason: 'storage', epoch: null, noRoom: 'disk' }))
    expect(await kind()).toBe('void')
    expect(await reasons()).toEqual(['storage'])
  })

  it('tells for how long nobody was there to find out', async () => {
    const back = (field: string, ms: number) => redis.hincrby(test.keys.gate, field, -ms)
    const quietMs = async () => {
      const look = await suspicions.look(1)
      return look.kind === 'pending' ? look.quietMs : null
    }
    await refuse(0)
    await back('suspectBusy', 5000)
    await test.ask(0)
    expect(await quietMs()).toBeGreaterThanOrEqual(5000)
    await test.ask(1)
    expect(await quietMs()).toBeLessThan(1000)
    await back('suspectBusy', 5000)
    // The probe is out, however long it takes.
    await test.ask(0)
    expect(await quietMs()).toBeLessThan(1000)
  })

  it('waits for others anew when nobody was at work for a while, and one comes back', async () => {
    await refuse(0)
    for (const field of ['suspectBusy', 'suspectSeen']) await redis.hincrby(test.keys.gate, field, -3600_000)
    const looks = [await suspicions.look(1), await suspicions.look(1)]
    for (const look of looks) expect(look.kind === 'pending' && look.quietMs).toBeLessThan(1000)
  })

  it('that came later makes those of an earlier one wait', async () => {
    await refuse(0)
    await probe()
    await test.ask(0, { gateEpoch: 1, answered: 1 })
    expect(await refuse(1)).toEqual({ suspected: 2 })
    expect(await suspicions.look(1)).toMatchObject({ kind: 'pending', epoch: 2 })
    await suspicions.confirm(2)
    expect(await kind(1)).toBe('emptied')
  })

  it('of fifty that come at once is one, and one hold', async () => {
    const refused = await Promise.all(Array.from({ length: 50 }, () => refuse(0)))
    expect(new Set(refused.map((each) => JSON.stringify(each)))).toEqual(new Set(['{"suspected":1}']))
    const confirmed = await Promise.all(Array.from({ length: 50 }, () => suspicions.confirm(1)))
    expect(confirmed.filter((each) => each === 'placed')).toHaveLength(1)
    expect(Object.keys(await test.outbox())).toHaveLength(1)
    expect((await test.gate.read()).pauses).toBe(1)
  })
})
