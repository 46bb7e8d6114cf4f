import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPermits, type Permit, type Permits } from '../../src/admission/permits.js'
import { eventually } from '../support/eventually.js'
import { holdRequest, type TestGate, testGate } from '../support/gates.js'
import { readPaceState, setPace } from '../support/pace.js'
import { connectForTest } from '../support/redis.js'

let connections: Redis[]
let test: TestGate
let pools: Permits[]
let asked: number
beforeAll(async () => {
  connections = [await connectForTest('worker'), await connectForTest('worker')]
})
beforeEach(() => {
  test = testGate(connections[0] as Redis)
  asked = 0
  pools = []
})
afterEach(async () => {
  for (const pool of pools) pool.close()
  await Promise.all(pools.map((pool) => pool.flush()))
})

/** The permits of two processes, as far as Redis can tell. */
function twoPools(maxRatePerSecond: number): [Permits, Permits] {
  const [one, other] = connections.map((redis) =>
    createPermits(
      (want, report) => {
        asked++
        return test.ask(want, report ?? undefined, { maxRatePerSecond }, redis)
      },
      (error) => {
        throw error
      },
    ),
  ) as [Permits, Permits]
  pools = [one, other]
  return [one, other]
}

async function permitOf(pool: Permits): Promise<Permit> {
  const admission = await pool.acquire()
  if (admission.kind !== 'go') throw new Error(`no permit: ${admission.kind}`)
  return admission.permit
}

describe('the permits of a fleet', () => {
  it('keep to the rate together, with far fewer trips to Redis than calls', async () => {
    const rate = 400
    await setPace(test, { base: rate })
    const sentAt: number[] = []
    const until = performance.now() + 1200
    const caller = async (pool: Permits): Promise<void> => {
      while (performance.now() < until) {
        const permit = await permitOf(pool)
        sentAt.push(performance.now())
        permit.report({ kind: 'answered' })
      }
    }
    await Promise.all(twoPools(rate).flatMap((pool) => Array.from({ length: 25 }, () => caller(pool))))
    sentAt.sort((a, b) => a - b)
    // The script never gives more (lease.test.ts); here timers may be late, and late ones come in a bunch.
    for (const [i, at] of sentAt.entries()) {
      const beyond = sentAt[i + Math.round(rate * 1.3)]
      if (beyond !== undefined) expect(beyond - at).toBeGreaterThan(1000)
    }
    expect(sentAt.length).toBeGreaterThan(rate / 4)
    expect(asked).toBeLessThan(sentAt.length / 2)
  })

  it('close for all when one process meets a 429', async () => {
    const [one, other] = twoPools(1000)
    const permit = await permitOf(one)
    await permitOf(other)
    const refusedAt = performance.now()
    permit.report({ kind: 'refused', retryAfterMs: 2000 })
    await eventually('Redis knows', async () => (await readPaceState(test)).closed === 1)
    await permitOf(other)
    expect(performance.now() - refusedAt).toBeGreaterThan(1950)
  })

  it('are void for all when one process finds the gate held', async () => {
    const [one, other] = twoPools(1000)
    await Promise.all([permitOf(one), permitOf(other)])
    await test.gate.hold(holdRequest())
    one.hold()
    expect(await Promise.all([one.acquire(), other.acquire()])).toEqual([{ kind: 'held' }, { kind: 'held' }])
  })
})

describe('after an opening', () => {
  beforeEach(async () => {
    await test.gate.hold(holdRequest())
    await test.gate.lift('credits', 'person')
  })

  it('one call of the whole fleet is out at a time until one succeeds, then all go', async () => {
    const both = twoPools(1000)
    let out = 0
    let mostOut = 0
    let failures = 5
    const call = async (pool: Permits): Promise<void> => {
      const permit = await permitOf(pool)
      out++
      if (failures > 0) mostOut = Math.max(mostOut, out)
      await test.redis.ping()
      out--
      permit.report({ kind: failures-- > 0 ? 'otherwise' : 'answered' })
    }
    await Promise.all(both.flatMap((pool) => Array.from({ length: 15 }, () => call(pool))))
    expect(mostOut).toBe(1)
    expect(await test.gate.read()).toMatchObject({ probing: false, incident: null })
    expect(Object.keys(await test.outbox()).filter((id) => id.endsWith('-resolved'))).toHaveLength(1)
  })

  it('a process that closes gives its probe back, and another one probes at once', async () => {
    const [one, other] = twoPools(1000)
    const probe = await permitOf(one)
    const next = other.acquire()
    one.close()
    probe.report({ kind: 'otherwise' })
    await one.flush()
    expect(await next).toMatchObject({ kind: 'go', permit: { epoch: 1 } })
  })

  it('whoever waits while the gate is closed again hears that it is held', async () => {
    const [one, other] = twoPools(1000)
    const probe = await permitOf(one)
    const waiting = [one.acquire(), other.acquire()]
    await test.gate.hold(holdRequest({ epoch: probe.epoch }))
    one.hold()
    probe.report({ kind: 'otherwise' })
    expect(await Promise.all(waiting)).toEqual([{ kind: 'held' }, { kind: 'held' }])
    expect((await test.gate.read()).incident?.failedProbes).toBe(1)
  })
})
