import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readPace } from '../../src/admission/read-pace.js'
import { holdRequest, personHold, type TestGate, testGate } from '../support/gates.js'
import { fixedPace, readPaceState, redisSeconds, setPace } from '../support/pace.js'
import { connectForTest } from '../support/redis.js'

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

const nowMs = async () => 1000 * (await redisSeconds(redis))

const NO_PACE = {
  ratePerSecond: 0,
  learnedPerMinute: null,
  state: 'open',
  since: null,
  closedUntil: null,
  refusedShare: null,
}

/** The time of a closing has passed, or that until the next call in an outage. */
const endClosing = () => setPace(test, { notBefore: 0 })

/** Opened again after a hold: calls go out one at a time, in gate epoch 1. */
async function probing(): Promise<void> {
  await test.gate.hold(holdRequest())
  await test.gate.lift('credits', 'person')
}

describe('an open gate', () => {
  it('gives permits at once, evenly spaced', async () => {
    const lease = await test.ask(4)
    expect(lease).toMatchObject({ state: 'open', permits: 4, firstInMs: 0, gateEpoch: 0, paceEpoch: 0 })
    expect(lease.spacingMs).toBeCloseTo(1000 / lease.ratePerSecond, 1)
  })

  it('gives no more than some dozen milliseconds of pace, and the next ones after them', async () => {
    await setPace(test, fixedPace(210))
    const limits = { maxRatePerSecond: 210 }
    const first = await test.ask(1000, undefined, limits)
    const firstAt = (await readPaceState(test)).at
    expect(first.permits).toBe(11)
    const second = await test.ask(1000, undefined, limits)
    const elapsed = (await readPaceState(test)).at - firstAt
    expect(second.permits).toBeLessThanOrEqual(elapsed * 210 + 1)
  })

  it('says to ask again when that gives more than a permit or two, and before those given are used up', async () => {
    await setPace(test, fixedPace(210))
    const limits = { maxRatePerSecond: 210 }
    for (const _ of [1, 2, 3]) {
      const lease = await test.ask(1000, undefined, limits)
      expect(lease.askAgainInMs).toBeGreaterThan(15)
      expect(lease.askAgainInMs).toBeLessThan(45)
    }
  })

  it('only looks when nothing is wanted', async () => {
    expect(await test.ask(0)).toMatchObject({ state: 'open', permits: 0 })
    expect((await test.ask(1)).permits).toBe(1)
  })

  it('spaces the permits of a whole fleet evenly, and never goes above the rate', async () => {
    const rate = 100
    await setPace(test, fixedPace(rate))
    const sends: number[] = []
    for (let turn = 0; sends.length < 1.2 * rate; turn++) {
      const limits = { maxRatePerSecond: rate }
      const lease = await test.ask(1 + (turn % 4), undefined, limits, turn % 2 === 0 ? redis : other)
      const leasedAt = 1000 * (await readPaceState(test)).at
      for (let i = 0; i < lease.permits; i++) sends.push(leasedAt + lease.firstInMs + i * lease.spacingMs)
    }
    for (const [i, at] of sends.entries()) {
      const previous = sends[i - 1]
      if (previous !== undefined) expect(at - previous).toBeGreaterThan(9.9)
      const withinASecond = sends.filter((later) => later >= at && later < at + 1000)
      expect(withinASecond.length).toBeLessThanOrEqual(rate + 1)
    }
  })

  it('makes up for no idle time with a burst', async () => {
    const now = await redisSeconds(redis)
    await setPace(test, { ...fixedPace(100), next: now - 60, at: now - 60, limited: 1 })
    expect((await test.ask(1000)).permits).toBeLessThanOrEqual(6)
  })
})

describe('the pace', () => {
  it('never goes above the highest rate, nor do its permits', async () => {
    await setPace(test, { base: 1000 })
    const lease = await test.ask(200, undefined, { maxRatePerSecond: 110 })
    expect(lease).toMatchObject({ ratePerSecond: 110, spacingMs: 1000 / 110, permits: 6 })
  })

  it('closes for Retry-After at a 429, for the whole fleet, and opens in a new epoch', async () => {
    await test.ask(5)
    const refused = await test.ask(5, { refused: 1, retryAfterMs: 3000 })
    expect(refused).toMatchObject({ state: 'open', pace: 'closed', permits: 0, paceEpoch: 0 })
    expect(refused.askAgainInMs).toBeGreaterThan(3000)
    expect(refused.askAgainInMs).toBeLessThanOrEqual(3251)
    const elsewhere = await test.ask(5, undefined, undefined, other)
    expect(elsewhere).toMatchObject({ pace: 'closed', permits: 0 })
    expect(elsewhere.askAgainInMs).toBeLessThanOrEqual(refused.askAgainInMs)

    await endClosing()
    const opened = await test.ask(5, undefined, undefined, other)
    expect(opened).toMatchObject({ pace: 'open', paceEpoch: 1 })
    expect(opened.permits).toBeGreaterThan(0)
  })

  it('takes in refusals of an earlier epoch without closing again', async () => {
    await test.ask(5)
    await test.ask(0, { refused: 1, retryAfterMs: 3000 })
    await endClosing()
    expect(await test.ask(0)).toMatchObject({ pace: 'open', paceEpoch: 1 })
    expect(await test.ask(0, { refused: 3, paceEpoch: 0 })).toMatchObject({ pace: 'open', paceEpoch: 1 })
    expect(await test.ask(0, { refused: 1, paceEpoch: 1 })).toMatchObject({ pace: 'closed', paceEpoch: 1 })
  })

  it.each([null, 0, 400, 31 * 86_400_000])(
    'closes for the 429s that are on their way when Retry-After is %s',
    async (ms) => {
      await test.ask(5)
      const lease = await test.ask(1, { refused: 1, retryAfterMs: ms, slowestRefusalMs: 300 })
      expect(lease).toMatchObject({ pace: 'closed', permits: 0 })
      expect(lease.askAgainInMs).toBeCloseTo(400, 0)
    },
  )

  it('begins at a limit that headers tell', async () => {
    const { ratePerSecond } = await test.ask(1, { answered: 1, limitPerMinute: 600 })
    expect(ratePerSecond).toBeCloseTo(9.8, 1)
  })

  it('sees an outage for the whole fleet: one call asks whether it is over, and its answer ends it for all', async () => {
    await setPace(test, fixedPace(200))
    await test.ask(10)
    const out = await test.ask(10, { failed: 10, fresh: 10 })
    expect(out).toMatchObject({ pace: 'outage', permits: 0, paceEpoch: 1 })
    expect(await test.ask(10, undefined, undefined, other)).toMatchObject({ pace: 'outage', permits: 0 })

    await endClosing()
    expect(await test.ask(10)).toMatchObject({ pace: 'outage', permits: 1 })
    expect(await test.ask(10, undefined, undefined, other)).toMatchObject({ pace: 'outage', permits: 0 })
    expect(await test.ask(0, { answered: 5 }, undefined, other)).toMatchObject({ pace: 'outage' })
    const back = await test.ask(10, { answered: 1, paceEpoch: 1 }, undefined, other)
    expect(back).toMatchObject({ pace: 'open', permits: 10, paceEpoch: 2 })
    expect(back.ratePerSecond).toBeCloseTo(200, 0)
  })

  it('is no outage while some are answered, nor when few requests fail often', async () => {
    await test.ask(10)
    await test.ask(0, { failed: 9, fresh: 9 })
    await test.ask(0, { answered: 1, failed: 9, fresh: 9 })
    expect(await test.ask(0, { failed: 50, fresh: 9 })).toMatchObject({ pace: 'open' })
  })

  it('is to be read: before anything, after refusals, in an outage', async () => {
    expect(await readPace(redis, test.keys)).toEqual(NO_PACE)
    await test.ask(4)
    expect(await readPace(redis, test.keys)).toMatchObject({
      ...NO_PACE,
      ratePerSecond: 100,
      refusedShare: 0,
    })

    await setPace(test, fixedPace(49))
    const { permits } = await test.ask(4)
    expect(permits).toBeGreaterThan(0)
    await test.ask(0, { refused: 2, retryAfterMs: 3000 })
    const { at, notBefore } = await readPaceState(test)
    const closed = await readPace(redis, test.keys)
    expect(closed).toMatchObject({ state: 'closed', since: at * 1000, closedUntil: notBefore * 1000 })
    expect(closed.learnedPerMinute).toBeCloseTo((49 * 60) / 0.98, 5)
    expect(closed.refusedShare).toBeCloseTo(2 / (4 + permits), 2)

    await test.ask(0, { failed: 10, fresh: 10 })
    expect(await readPace(redis, test.keys)).toMatchObject({ state: 'outage', since: expect.any(Number) })
  })
})

describe('a held gate', () => {
  it('gives no permit, to nobody', async () => {
    await test.gate.hold(holdRequest())
    expect(await test.ask(5)).toMatchObject({ state: 'held', permits: 0 })
    expect(await test.ask(5, undefined, undefined, other)).toMatchObject({ state: 'held', permits: 0 })
  })

  it('stays held while one reason is left, whatever is answered meanwhile', async () => {
    await test.gate.hold(holdRequest())
    await test.gate.hold(personHold())
    await test.gate.lift('credits', 'person')
    expect(await test.ask(5, { answered: 3 })).toMatchObject({ state: 'held', permits: 0 })
    expect((await test.gate.read()).incident).not.toBeNull()
  })

  it('still takes in 429s, so that the pace is right when it opens', async () => {
    await test.gate.hold(holdRequest())
    await test.ask(0, { refused: 1, retryAfterMs: 20_000 })
    await test.gate.lift('*', 'person')
    const lease = await test.ask(1)
    expect(lease).toMatchObject({ state: 'probing', permits: 0 })
    expect(lease.askAgainInMs).toBeGreaterThan(10_000)
  })
})

describe('after an opening', () => {
  beforeEach(probing)

  it('one call is out at a time', async () => {
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 1 })
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 0 })
    expect(await test.ask(5, undefined, undefined, other)).toMatchObject({ state: 'probing', permits: 0 })
  })

  it('nobody who only looks takes the probe', async () => {
    expect(await test.ask(0)).toMatchObject({ state: 'probing', permits: 0 })
    expect((await test.ask(1)).permits).toBe(1)
  })

  it('a success opens fully and resolves the incident, with one all-clear', async () => {
    const { incident } = await test.gate.read()
    await test.ask(1)
    expect(await test.ask(3, { gateEpoch: 1, answered: 1 })).toMatchObject({ state: 'open', permits: 3 })
    expect(await test.gate.read()).toMatchObject({ incident: null, probing: false, holds: [], epoch: 1 })
    const [past] = await test.gate.pastIncidents(1)
    expect(past).toEqual({
      ...incident,
      liftedBy: 'person',
      resolvedBy: 'success',
      resolvedAt: expect.any(Number),
    })
    expect(past?.resolvedAt).toBeGreaterThanOrEqual(past?.liftedAt ?? Number.POSITIVE_INFINITY)
    expect(await test.outbox()).toMatchObject({
      [`${incident?.id}-opened`]: { type: 'incident.opened' },
      [`${incident?.id}-resolved`]: { type: 'incident.resolved', incident: past },
    })
    await test.ask(1, { gateEpoch: 1, answered: 5 })
    expect(Object.keys(await test.outbox())).toHaveLength(2)
    expect(await test.gate.pastIncidents(5)).toHaveLength(1)
  })

  it('a success of an earlier epoch proves nothing', async () => {
    await test.ask(1)
    expect(await test.ask(5, { gateEpoch: 0, answered: 1 })).toMatchObject({ state: 'probing', permits: 0 })
    expect((await test.gate.read()).incident?.resolvedAt).toBeNull()
  })

  it('a probe that failed otherwise lets the next one go', async () => {
    await test.ask(1)
    expect(await test.ask(1, { gateEpoch: 1, otherwise: 1 })).toMatchObject({ state: 'probing', permits: 1 })
    expect((await test.ask(1)).permits).toBe(0)
  })

  it('the end of an earlier call is not the end of the probe', async () => {
    await test.ask(1)
    expect((await test.ask(1, { gateEpoch: 0, otherwise: 1 })).permits).toBe(0)
  })

  it('a 429 lets the next one go when the closing is over', async () => {
    await test.ask(1)
    expect(await test.ask(1, { gateEpoch: 1, refused: 1, retryAfterMs: 2000 })).toMatchObject({
      state: 'probing',
      permits: 0,
    })
    await endClosing()
    expect(await test.ask(1)).toMatchObject({ state: 'probing', permits: 1 })
  })

  it('a probe that never ends is given up, and another may go', async () => {
    const startedAt = await nowMs()
    expect((await test.ask(1, undefined, { probeTimeoutMs: 60_000 })).permits).toBe(1)
    const probeUntil = Number(await redis.hget(test.keys.gate, 'probeUntil'))
    expect(probeUntil).toBeGreaterThanOrEqual(Math.floor(startedAt) + 60_000)
    expect(probeUntil).toBeLessThanOrEqual((await nowMs()) + 60_000)
    expect((await test.ask(1)).permits).toBe(0)
    await redis.hset(test.keys.gate, 'probeUntil', (await nowMs()) - 1)
    expect((await test.ask(1)).permits).toBe(1)
    expect((await test.ask(1)).permits).toBe(0)
  })

  it('a refused probe closes the gate again for all', async () => {
    await test.ask(1)
    await test.gate.hold(holdRequest({ epoch: 1 }))
    expect(await test.ask(5, { gateEpoch: 1, otherwise: 1 })).toMatchObject({ state: 'held', permits: 0 })
    await test.gate.lift('*', 'person')
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 2 })
  })
})

describe('a hold whose time has come', () => {
  /** As the script wrote it, some time ago. */
  async function holdUntil(reason: 'spending_limit' | 'daily_quota', inMs: number): Promise<void> {
    await test.gate.hold(holdRequest({ reason }))
    const field = `hold:${reason}`
    const hold = JSON.parse((await redis.hget(test.keys.gate, field)) ?? '')
    await redis.hset(
      test.keys.gate,
      field,
      JSON.stringify({ ...hold, until: Math.round((await nowMs()) + inMs) }),
    )
  }

  it('lifts by itself when somebody looks, and one call probes', async () => {
    await holdUntil('spending_limit', -1)
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 1 })
    expect(await test.gate.read()).toMatchObject({
      holds: [],
      probing: true,
      epoch: 1,
      incident: { liftedBy: 'time', liftedAt: expect.any(Number), resolvedAt: null },
    })
  })

  it('does not lift a moment earlier', async () => {
    await holdUntil('daily_quota', 60_000)
    expect(await test.ask(5)).toMatchObject({ state: 'held', gateEpoch: 0 })
  })

  it('leaves the holds that only a person lifts', async () => {
    await test.gate.hold(holdRequest())
    await holdUntil('daily_quota', -1)
    expect(await test.ask(5)).toMatchObject({ state: 'held', permits: 0, gateEpoch: 0 })
    expect((await test.gate.read()).holds.map(({ reason }) => reason)).toEqual(['credits'])
    await test.gate.lift('credits', 'person')
    expect(await test.ask(5)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 1 })
  })

  it('lifts once, whoever looks', async () => {
    await holdUntil('spending_limit', -1)
    await Promise.all([...Array(20)].map((_, n) => test.ask(0, undefined, undefined, n % 2 ? redis : other)))
    expect((await test.gate.read()).epoch).toBe(1)
    expect(await redis.hget(test.keys.gate, 'holds')).toBe('0')
  })

  it('that has come for several lifts them all in one opening', async () => {
    await holdUntil('spending_limit', -1)
    await holdUntil('daily_quota', -1)
    expect(await test.ask(1)).toMatchObject({ state: 'probing', permits: 1, gateEpoch: 1 })
  })
})
