import { beforeEach, describe, expect, inject, it } from 'vitest'
import type { Endings } from '../../src/admission/endings.js'
import { createGauges, type Gauges } from '../../src/admission/gauges.js'
import { readQueueSnapshot } from '../../src/batches/read-snapshot.js'
import type { Session } from '../../src/batches/session.js'
import { createFleet } from '../../src/completions/fleet.js'
import { createProducer } from '../../src/index.js'
import { currentProcess, formatProcess } from '../../src/process-identity.js'
import { requests } from '../support/batch-files.js'
import { testBatch, testSession } from '../support/batches.js'
import { feedAll } from '../support/completion-worker.js'
import { scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { holdRequest, personHold } from '../support/gates.js'
import { uniquePrefix } from '../support/redis.js'
import { startTestRoles } from '../support/roles.js'

const OURSELVES = formatProcess(currentProcess())
const ELSEWHERE = 'deadbeef-1-1'
/** A process of this machine that has our pid and started at another time: it is dead. */
const DEAD = formatProcess({ ...currentProcess(), startedAt: '1' })
const NOTHING = { inFlight: 0, leased: 0, concurrency: 0 }

let keyPrefix: string
let session: Session
beforeEach(async () => {
  keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
})

function worker(name: string, look: () => Gauges & Partial<Endings>, monotonicMs = () => 0) {
  const { redis, keys, completions } = session
  const ends = { autoResume: true, topUps: false }
  return {
    fleet: createFleet(redis, keys, completions, name),
    gauges: createGauges(redis, keys, name, () => ({ ...ends, ...look() }), monotonicMs),
  }
}

async function started(name: string, gauges: Gauges & Partial<Endings>) {
  const made = worker(name, () => gauges)
  await made.fleet.beat()
  await made.gauges.write()
  return made
}

const pace = async () => (await readQueueSnapshot(session)).pace

describe('the gauges of a queue', () => {
  it('are the sums over its workers, until one leaves, is found dead, or is late', async () => {
    const own = await started(OURSELVES, { inFlight: 3, leased: 1, concurrency: 50 })
    const other = await started(ELSEWHERE, { inFlight: 40, leased: 20, concurrency: 200 })
    await started(DEAD, { inFlight: 500, leased: 0, concurrency: 1000 })
    expect(await pace()).toMatchObject({ inFlight: 543, leased: 21, concurrency: 1250 })

    await own.fleet.releaseDead()
    expect(await pace()).toMatchObject({ inFlight: 43, leased: 21, concurrency: 250 })
    expect(Object.keys(await session.redis.hgetall(session.keys.gauges)).sort()).toEqual(
      [OURSELVES, ELSEWHERE].sort(),
    )

    const [seconds] = await session.redis.time()
    await session.redis.zadd(session.keys.workers, Number(seconds) * 1000 - 60_000, ELSEWHERE)
    expect(await pace()).toMatchObject({ inFlight: 3, leased: 1, concurrency: 50 })

    await Promise.all([own.fleet.leave(), other.fleet.leave()])
    expect(await pace()).toMatchObject(NOTHING)
    expect(await session.redis.exists(session.keys.gauges)).toBe(0)
  })

  it('are written when they change, and again after a while when they do not', async () => {
    let clockMs = 0
    let inFlight = 1
    const { gauges } = worker(
      OURSELVES,
      () => ({ ...NOTHING, inFlight }),
      () => clockMs,
    )
    const written = async () => {
      await gauges.write()
      return (await session.redis.del(session.keys.gauges)) === 1
    }
    expect([await written(), await written()]).toEqual([true, false])
    inFlight = 2
    expect(await written()).toBe(true)
    clockMs = 5000
    expect(await written()).toBe(true)
  })

  it('tell of the calls that a process makes, to the library too, and go with it', async () => {
    const conduit = await scriptConduit()
    await feedAll(await testBatch(requests(3), {}, session))
    const roles = await startTestRoles(session, { baseUrl: conduit.baseUrl })
    await eventually('all calls are told', async () => (await pace()).inFlight === 3)

    await using producer = createProducer({ redis: inject('redisUrl'), keyPrefix })
    expect(await producer.status()).toMatchObject({
      queue: 'default',
      holds: [],
      active: 3,
      workers: 1,
      pace: {
        ratePerSecond: expect.any(Number),
        state: 'open',
        inFlight: 3,
        leased: 0,
        concurrency: expect.any(Number),
      },
    })
    expect((await pace()).concurrency).toBeGreaterThan(0)
    await roles.close(0)
    expect(await session.redis.exists(session.keys.gauges)).toBe(0)
  })
})

describe('whether a pause ends by itself', () => {
  const byItself = async () =>
    (await readQueueSnapshot(session)).holds.map(({ reason, byItself }) => [reason, byItself])

  it('is what any worker that lives does for it, and the account that answers', async () => {
    await session.gate.hold(holdRequest())
    await session.gate.hold(holdRequest({ reason: 'daily_quota' }))
    await session.gate.hold(personHold())
    const said = (credits: boolean, quota: boolean) => [
      ['credits', credits],
      ['daily_quota', quota],
      ['person', false],
    ]
    expect(await byItself()).toEqual(said(false, false))
    await started(OURSELVES, { ...NOTHING, autoResume: false, topUps: false })
    expect(await byItself()).toEqual(said(false, false))
    await started(ELSEWHERE, { ...NOTHING, autoResume: true, topUps: true })
    expect(await byItself()).toEqual(said(true, true))
    await session.redis.hset(session.keys.creditsLook, 'failed', 1)
    expect(await byItself()).toEqual(said(false, true))
    await session.redis.zrem(session.keys.workers, ELSEWHERE)
    expect(await byItself()).toEqual(said(false, false))
  })
})
