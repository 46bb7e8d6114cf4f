import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../../src/admission/gate.js'
import { HOLD_REASONS } from '../../src/admission/hold.js'
import { holdRequest, personHold, type TestGate, testGate } from '../support/gates.js'
import { connectForTest } from '../support/redis.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

let redis: Redis
let other: Redis
let test: TestGate
beforeAll(async () => {
  redis = await connectForTest()
  other = await connectForTest()
})
beforeEach(() => {
  test = testGate(redis)
})

const reasons = async () => (await test.gate.read()).holds.map(({ reason }) => reason)

describe('a gate nobody touched', () => {
  it('is open, in its first epoch, without an incident', async () => {
    expect(await test.gate.read()).toEqual({
      holds: [],
      probing: false,
      epoch: 0,
      pauses: 0,
      incident: null,
      refusedKeys: [],
    })
    expect(await test.gate.pastIncidents(10)).toEqual([])
  })

  it('has nothing to lift', async () => {
    expect(await test.gate.lift('*', 'person')).toEqual({ lifted: 0, left: 0 })
    expect((await test.gate.read()).epoch).toBe(0)
  })
})

describe('the first hold', () => {
  it('keeps the evidence, and opens an incident on it', async () => {
    expect(await test.gate.hold(holdRequest())).toBe('placed')
    const { holds, incident, probing, pauses } = await test.gate.read()
    expect(holds).toEqual([
      {
        queue: 'default',
        reason: 'credits',
        by: 'worker-1',
        code: 'BILLING_INSUFFICIENT_FUNDS',
        message: 'Insufficient funds',
        requestId: 'req_abc123',
        keyFingerprint: '0123456789ab',
        since: expect.any(Number),
        until: null,
      },
    ])
    expect(incident).toEqual({
      id: expect.stringMatching(/^i-[0-9a-f-]{36}$/),
      queue: 'default',
      reason: 'credits',
      code: 'BILLING_INSUFFICIENT_FUNDS',
      message: 'Insufficient funds',
      requestId: 'req_abc123',
      openedAt: holds[0]?.since,
      liftedAt: null,
      liftedBy: null,
      resolvedAt: null,
      resolvedBy: null,
      failedProbes: 0,
      holds: [
        {
          reason: 'credits',
          code: 'BILLING_INSUFFICIENT_FUNDS',
          message: 'Insufficient funds',
          requestId: 'req_abc123',
          by: 'worker-1',
          since: holds[0]?.since,
          liftedAt: null,
          liftedBy: null,
          liftedWho: null,
        },
      ],
      waiting: null,
      costToFinishCents: null,
      reminders: 0,
      remindedAt: null,
      remindersFrom: holds[0]?.since,
    })
    expect({ probing, pauses }).toEqual({ probing: false, pauses: 1 })
  })

  it("is dated by Redis's clock", async () => {
    const [seconds] = await redis.time()
    await test.gate.hold(holdRequest())
    const since = (await test.gate.read()).holds[0]?.since ?? 0
    expect(Math.abs(since - Number(seconds) * 1000)).toBeLessThan(5000)
  })

  it('puts one alert into the outbox, with the whole incident', async () => {
    await test.gate.hold(holdRequest())
    const { incident } = await test.gate.read()
    expect(await test.outbox()).toEqual({
      [`${incident?.id}-opened`]: { type: 'incident.opened', incident },
    })
  })

  it('is one of fifty that come at once: one incident, one alert, one pause', async () => {
    const gates = [test.gate, createGate(other, test.keys, 'default')]
    const placed = await Promise.all(
      Array.from({ length: 50 }, (_, n) => gates[n % 2]?.hold(holdRequest({ by: `worker-${n}` }))),
    )
    expect(placed.filter((answer) => answer === 'placed')).toHaveLength(1)
    expect(placed.filter((answer) => answer === 'joined')).toHaveLength(49)
    expect(Object.keys(await test.outbox())).toHaveLength(1)
    expect(await test.gate.read()).toMatchObject({ pauses: 1, incident: { failedProbes: 0 } })
    expect(await reasons()).toEqual(['credits'])
    expect(await redis.hget(test.keys.gate, 'holds')).toBe('1')
  })

  it('is one incident also when fifty come at once for four reasons', async () => {
    const all = ['credentials', 'credits', 'spending_limit', 'daily_quota'] as const
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => test.gate.hold(holdRequest({ reason: all[n % 4] ?? 'credits' }))),
    )
    expect(Object.keys(await test.outbox())).toHaveLength(1)
    expect(await reasons()).toEqual([...all])
    expect((await test.gate.read()).pauses).toBe(1)
    expect(await redis.hget(test.keys.gate, 'holds')).toBe('4')
  })

  it('keeps any text as it came, and null where there is none', async () => {
    const message = 'Ungültig "{}" \\ 漢字 \u0001'
    await test.gate.hold(holdRequest({ message, requestId: null, keyFingerprint: null }))
    const { holds, incident } = await test.gate.read()
    expect(holds[0]).toMatchObject({ message, requestId: null, keyFingerprint: null })
    expect(incident).toMatchObject({ message, requestId: null })
  })
})

describe('a hold that a person places', () => {
  it('opens no incident and alerts nobody', async () => {
    expect(await test.gate.hold(personHold())).toBe('placed')
    expect(await test.gate.read()).toMatchObject({ incident: null, pauses: 1, holds: [{ by: 'alice' }] })
    expect(await test.outbox()).toEqual({})
  })

  it('opens for one call at a time when it is lifted, like any other', async () => {
    await test.gate.hold(personHold())
    expect(await test.gate.lift('person', 'person')).toEqual({ lifted: 1, left: 0 })
    expect(await test.gate.read()).toMatchObject({ holds: [], probing: true, epoch: 1 })
  })

  it('does not hide that trouble came while it was there', async () => {
    await test.gate.hold(personHold())
    await test.gate.hold(holdRequest())
    expect(await reasons()).toEqual(['credits', 'person'])
    expect((await test.gate.read()).incident).toMatchObject({ reason: 'credits' })
    expect(Object.keys(await test.outbox())).toHaveLength(1)
  })

  it('is no failed probe of an incident that waits for one', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('credits', 'person')
    await test.gate.hold(personHold())
    expect((await test.gate.read()).incident).toMatchObject({
      failedProbes: 0,
      liftedAt: expect.any(Number),
      liftedBy: 'person',
    })
    await test.gate.lift('person', 'person')
    expect(await test.gate.read()).toMatchObject({ probing: true, incident: { resolvedAt: null } })
  })
})

describe('a refusal of an earlier epoch', () => {
  it('changes nothing', async () => {
    await test.gate.hold(holdRequest({ epoch: 0 }))
    await test.gate.lift('credits', 'person')
    const before = await test.gate.read()
    const outbox = await test.outbox()
    expect(await test.gate.hold(holdRequest({ epoch: 0, reason: 'credentials' }))).toBe('stale')
    expect(await test.gate.hold(holdRequest({ epoch: 0 }))).toBe('stale')
    expect(await test.gate.read()).toEqual(before)
    expect(await test.outbox()).toEqual(outbox)
  })

  it('is told from one of this epoch', async () => {
    await test.gate.hold(holdRequest({ epoch: 0 }))
    await test.gate.lift('credits', 'person')
    expect(await test.gate.hold(holdRequest({ epoch: 1 }))).toBe('placed')
  })

  it('is never what a person does, who knows of no epoch', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('*', 'person')
    expect(await test.gate.hold(personHold())).toBe('placed')
  })
})

describe('lifting', () => {
  beforeEach(async () => {
    await test.gate.hold(holdRequest())
    await test.gate.hold(holdRequest({ reason: 'credentials' }))
    await test.gate.hold(personHold())
  })

  it('one reason leaves the others, and the epoch', async () => {
    expect(await test.gate.lift('credits', 'person')).toEqual({ lifted: 1, left: 2 })
    expect(await reasons()).toEqual(['credentials', 'person'])
    expect(await test.gate.read()).toMatchObject({ epoch: 0, probing: false, incident: { liftedAt: null } })
  })

  it('a reason that does not hold it lifts nothing', async () => {
    expect(await test.gate.lift('daily_quota', 'person')).toEqual({ lifted: 0, left: 3 })
  })

  it('the last one opens: a new epoch, and one call at a time', async () => {
    await test.gate.lift('person', 'person')
    await test.gate.lift('credits', 'credits_seen')
    expect(await test.gate.lift('credentials', 'new_key')).toEqual({ lifted: 1, left: 0 })
    expect(await test.gate.read()).toMatchObject({
      holds: [],
      epoch: 1,
      probing: true,
      incident: { liftedAt: expect.any(Number), liftedBy: 'new_key', resolvedAt: null },
    })
  })

  it('every one at once opens', async () => {
    expect(await test.gate.lift('*', 'person')).toEqual({ lifted: 3, left: 0 })
    expect(await test.gate.read()).toMatchObject({ holds: [], epoch: 1, probing: true })
  })

  it('twice is lifting once: the epoch does not move', async () => {
    await test.gate.lift('*', 'person')
    expect(await test.gate.lift('*', 'person')).toEqual({ lifted: 0, left: 0 })
    expect((await test.gate.read()).epoch).toBe(1)
  })

  it('from many sides at once opens once', async () => {
    const gates = [test.gate, createGate(other, test.keys, 'default')]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => gates[n % 2]?.lift(n % 3 === 0 ? '*' : 'credits', 'person')),
    )
    expect(answers.reduce((sum, answer) => sum + (answer?.lifted ?? 0), 0)).toBe(3)
    expect(await test.gate.read()).toMatchObject({ holds: [], epoch: 1 })
  })
})

describe('a failed probe', () => {
  it('goes on with the same incident and tells nobody again', async () => {
    await test.gate.hold(holdRequest())
    const { incident: first } = await test.gate.read()
    for (const epoch of [1, 2, 3]) {
      await test.gate.lift('credits', 'person')
      expect(await test.gate.hold(holdRequest({ epoch }))).toBe('placed')
      expect(await test.gate.read()).toMatchObject({
        epoch,
        probing: false,
        pauses: 1,
        incident: {
          id: first?.id,
          openedAt: first?.openedAt,
          failedProbes: epoch,
          liftedAt: null,
          liftedBy: null,
        },
      })
    }
    expect(Object.keys(await test.outbox())).toEqual([`${first?.id}-opened`])
  })

  it('is the same incident also when it was refused for another reason', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('credits', 'credits_seen')
    await test.gate.hold(holdRequest({ reason: 'credentials', code: 'API_KEY_EXPIRED', epoch: 1 }))
    expect(await reasons()).toEqual(['credentials'])
    expect((await test.gate.read()).incident).toMatchObject({ reason: 'credits', failedProbes: 1 })
    expect(Object.keys(await test.outbox())).toHaveLength(1)
  })
})

describe('the end of an incident', () => {
  it('lets the next hold open another one: pauses are counted once an incident', async () => {
    for (const incident of [0, 1, 2]) {
      await test.gate.hold(holdRequest({ epoch: 2 * incident }))
      await test.gate.hold(holdRequest({ reason: 'credentials', epoch: 2 * incident }))
      await test.gate.lift('*', 'person')
      await test.gate.hold(holdRequest({ epoch: 2 * incident + 1 }))
      await test.gate.lift('*', 'person')
      await test.ask(0, { gateEpoch: 2 * incident + 2, answered: 1 })
      expect(await test.gate.read()).toMatchObject({ pauses: incident + 1, incident: null, probing: false })
    }
    const past = await test.gate.pastIncidents(10)
    expect(past.map(({ failedProbes }) => failedProbes)).toEqual([1, 1, 1])
    expect(new Set(past.map(({ id }) => id)).size).toBe(3)
    expect(past.map(({ openedAt }) => openedAt)).toEqual(
      past
        .map(({ openedAt }) => openedAt)
        .sort()
        .reverse(),
    )
    expect(await test.gate.pastIncidents(2)).toEqual(past.slice(0, 2))
  })
})

describe('when a hold lifts by itself', () => {
  async function untilOf(reason: 'spending_limit' | 'daily_quota', epoch: number, retryAfterMs = 0) {
    await test.gate.hold(holdRequest({ reason, epoch, retryAfterMs }))
    const hold = (await test.gate.read()).holds[0]
    return { until: hold?.until ?? 0, since: hold?.since ?? 0 }
  }

  it('is a minute for a spending limit, doubling with each failed probe up to an hour', async () => {
    const waits: number[] = []
    for (const epoch of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
      const { until, since } = await untilOf('spending_limit', epoch)
      waits.push((until - since) / MINUTE_MS)
      await test.gate.lift('spending_limit', 'time')
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })

  it('is a minute again in the next incident', async () => {
    await untilOf('spending_limit', 0)
    await test.gate.lift('*', 'time')
    await untilOf('spending_limit', 1)
    await test.gate.lift('*', 'time')
    await test.ask(0, { gateEpoch: 2, answered: 1 })
    const { until, since } = await untilOf('spending_limit', 2)
    expect(until - since).toBe(MINUTE_MS)
  })

  it('is just after the next midnight UTC for the daily quota', async () => {
    const { until, since } = await untilOf('daily_quota', 0, 1000)
    const midnight = (Math.floor(since / DAY_MS) + 1) * DAY_MS
    expect(until).toBeGreaterThanOrEqual(midnight)
    expect(until).toBeLessThanOrEqual(midnight + 10_000)
  })

  it('is what Retry-After asks for when that is later than midnight', async () => {
    const { until, since } = await untilOf('daily_quota', 0, 2 * DAY_MS)
    expect(until).toBe(since + 2 * DAY_MS)
  })

  it.each(HOLD_REASONS.filter((reason) => !['spending_limit', 'daily_quota'].includes(reason)))(
    'is never for %s: that takes a person, whatever Retry-After says',
    async (reason) => {
      await test.gate.hold(holdRequest({ reason, retryAfterMs: 1000 }))
      expect((await test.gate.read()).holds).toMatchObject([{ reason, until: null }])
    },
  )
})
