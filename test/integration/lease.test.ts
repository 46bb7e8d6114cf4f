import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { holdRequest, personHold, type TestGate, testGate } from '../support/gates.js'
import { connectForTest } from '../support/redis.js'

/** The rate was last looked at in the future, so it does not grow before the test looks, however slow that is. */
const NO_GROWTH_MS = 600_000

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

/** Writes what the pace was, so that no test has to wait for it. `atMs` counts from now. */
async function setPace(pace: {
  rate?: number
  atMs?: number
  notBeforeMs?: number
  epoch?: number
  nextMs?: number
}) {
  const now = await nowMs()
  const fields: Record<string, number> = {}
  if (pace.rate !== undefined) fields.rate = pace.rate
  if (pace.atMs !== undefined) fields.at = now + pace.atMs
  if (pace.notBeforeMs !== undefined) fields.notBefore = now + pace.notBeforeMs
  if (pace.epoch !== undefined) fields.epoch = pace.epoch
  if (pace.nextMs !== undefined) fields.next = now + pace.nextMs
  await redis.hset(test.keys.pace, fields)
}

async function nowMs(): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1000 + Number(micros) / 1000
}

const rateOf = async () => Number(await redis.hget(test.keys.pace, 'rate'))

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
    await setPace({ rate: 200, atMs: NO_GROWTH_MS })
    const limits = { maxRatePerSecond: 200 }
    const first = await test.ask(1000, undefined, limits)
    const firstAt = Number(await redis.hget(test.keys.pace, 'at'))
    expect(first.permits).toBe(11)
    const second = await test.ask(1000, undefined, limits)
    const elapsedMs = Number(await redis.hget(test.keys.pace, 'at')) - firstAt
    expect(second.permits).toBeLessThanOrEqual(elapsedMs / 5 + 1)
  })

  it('says to ask again when that gives more than a permit or two, and before those given are used up', async () => {
    await setPace({ rate: 200, atMs: NO_GROWTH_MS })
    const limits = { maxRatePerSecond: 200 }
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
    await setPace({ rate, atMs: NO_GROWTH_MS })
    const sends: number[] = []
    for (let turn = 0; sends.length < 1.2 * rate; turn++) {
      const limits = { maxRatePerSecond: rate }
      const lease = await test.ask(1 + (turn % 4), undefined, limits, turn % 2 === 0 ? redis : other)
      const leasedAt = Number(await redis.hget(test.keys.pace, 'at'))
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
    await setPace({ rate: 100, atMs: NO_GROWTH_MS })
    await redis.hset(test.keys.pace, 'next', (await nowMs()) - 60_000)
    expect((await test.ask(1000)).permits).toBeLessThanOrEqual(6)
  })
})

describe('the pace', () => {
  /** The rate after an ask, and the time over which it grew, by the clock of Redis. */
  async function askOverTime(): Promise<{ rate: number; seconds: number }> {
    const at = async () => Number(await redis.hget(test.keys.pace, 'at'))
    const before = await at()
    const { ratePerSecond } = await test.ask(0)
    return { rate: ratePerSecond, seconds: ((await at()) - before) / 1000 }
  }

  it('grows fast until the first refusal, and slowly after it, up to the highest rate', async () => {
    await setPace({ rate: 100, atMs: -1000, epoch: 0, nextMs: 1000 })
    const fast = await askOverTime()
    expect(fast.rate).toBeCloseTo(100 * Math.exp(fast.seconds), 1)
    await setPace({ rate: 100, atMs: -5000, epoch: 1, nextMs: 1000 })
    const slow = await askOverTime()
    expect(slow.rate).toBeCloseTo(100 * Math.exp(0.1 * slow.seconds), 1)
    await setPace({ rate: 100, atMs: -5000, nextMs: 1000 })
    expect((await test.ask(0, undefined, { maxRatePerSecond: 120 })).ratePerSecond).toBe(120)
  })

  it('does not grow while the pace is not what calls wait for', async () => {
    await setPace({ rate: 100, atMs: -5000, nextMs: -1000 })
    expect((await test.ask(0)).ratePerSecond).toBe(100)
  })

  it('does not explode over an idle night', async () => {
    await setPace({ rate: 1, atMs: -8 * 3600_000, epoch: 1, nextMs: 1000 })
    expect((await test.ask(0)).ratePerSecond).toBeLessThan(3)
  })

  it('does not grow while it is closed', async () => {
    await setPace({ rate: 100, atMs: -5000, notBeforeMs: 5000 })
    expect((await test.ask(0)).ratePerSecond).toBe(100)
  })

  it('closes for Retry-After at a 429, for the whole fleet', async () => {
    const refused = await test.ask(5, { refused: 1, retryAfterMs: 3000 })
    expect(refused).toMatchObject({ state: 'open', permits: 0, paceEpoch: 1 })
    expect(refused.askAgainInMs).toBeGreaterThan(2900)
    expect(refused.askAgainInMs).toBeLessThanOrEqual(3000)
    const elsewhere = await test.ask(5, undefined, undefined, other)
    expect(elsewhere.permits).toBe(0)
    expect(elsewhere.askAgainInMs).toBeGreaterThan(1000)
    expect(elsewhere.askAgainInMs).toBeLessThanOrEqual(refused.askAgainInMs)
  })

  it('closes for a second when no Retry-After says more', async () => {
    for (const retryAfterMs of [null, 0, 400]) {
      test = testGate(redis)
      const { askAgainInMs, permits } = await test.ask(1, { refused: 1, retryAfterMs })
      expect(permits).toBe(0)
      expect(askAgainInMs).toBeGreaterThan(900)
      expect(askAgainInMs).toBeLessThanOrEqual(1000)
    }
  })

  it('believes an absurd Retry-After for a minute at most', async () => {
    const { askAgainInMs } = await test.ask(1, { refused: 1, retryAfterMs: 31 * 86_400_000 })
    expect(askAgainInMs).toBeLessThanOrEqual(60_000)
    expect(askAgainInMs).toBeGreaterThan(59_000)
  })

  it('gives permits again when the closing is over, one spacing after the other', async () => {
    await test.ask(5, { refused: 1, retryAfterMs: 3000 })
    await setPace({ notBeforeMs: 0 })
    expect((await test.ask(5)).permits).toBeGreaterThan(0)
  })

  it('is cut once for each closing: late 429s of the same epoch do not cut again', async () => {
    const refused = { refused: 1, retryAfterMs: 60_000 }
    await setPace({ rate: 100, atMs: NO_GROWTH_MS })
    await test.ask(0, refused)
    expect(await rateOf()).toBe(70)
    for (let late = 0; late < 5; late++) await test.ask(0, refused, undefined, other)
    expect(await rateOf()).toBe(70)
    expect((await test.ask(0)).paceEpoch).toBe(1)
    await test.ask(0, { ...refused, paceEpoch: 1 })
    expect(await rateOf()).toBe(49)
  })

  it('is cut once by any number of 429s in one report', async () => {
    await setPace({ rate: 100, atMs: NO_GROWTH_MS })
    await test.ask(0, { refused: 500, answered: 500 })
    expect(await rateOf()).toBe(70)
  })

  it('stays closed as long as the longest Retry-After asks, also one that comes late', async () => {
    await test.ask(0, { refused: 1, retryAfterMs: 2000 })
    await test.ask(0, { refused: 1, retryAfterMs: 9000 })
    await test.ask(0, { refused: 1, retryAfterMs: 1000 })
    expect((await test.ask(1)).askAgainInMs).toBeGreaterThan(2000)
  })

  it('never falls so low that nothing goes any more', async () => {
    await setPace({ rate: 0.6, atMs: NO_GROWTH_MS })
    await test.ask(0, { refused: 1 })
    await test.ask(0, { refused: 1, paceEpoch: 1 })
    expect(await rateOf()).toBe(0.5)
  })

  it('is not slowed by answers and failures', async () => {
    await setPace({ rate: 100, atMs: NO_GROWTH_MS })
    await test.ask(0, { answered: 10, otherwise: 10 })
    expect(await rateOf()).toBeGreaterThanOrEqual(100)
    expect((await test.ask(1)).permits).toBe(1)
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
    await setPace({ rate: 100, atMs: NO_GROWTH_MS })
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
    expect(past).toEqual({ ...incident, liftedBy: 'person', resolvedAt: expect.any(Number) })
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
    await setPace({ notBeforeMs: 0 })
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
