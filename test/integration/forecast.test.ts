import { setTimeout } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { deliverySchema } from '../../src/alerts/deliveries.js'
import { ALERTS, drainOutbox } from '../../src/alerts/outbox.js'
import type { Session } from '../../src/batches/session.js'
import { openQueue } from '../../src/completions/queues.js'
import { readForecast } from '../../src/credits/forecast.js'
import { noteBalance } from '../../src/credits/note-balance.js'
import type { Book } from '../../src/credits/sightings.js'
import { jsonLines, MODEL } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { simulate } from '../support/cli.js'
import { holdRequest } from '../support/gates.js'
import { handIn } from '../support/hand-in.js'
import { uniquePrefix } from '../support/redis.js'
import { startTestRoles, temporaryDirectory } from '../support/roles.js'

interface Low {
  readonly balanceCents: number
  readonly costToFinishCents: number
  readonly shortByCents: number
  readonly lastsMs: number | null
}

/** Every `balance.low` that is to be told: nobody takes them from the outbox here. */
async function toldIn({ redis, keys }: Session): Promise<Low[]> {
  const entries = Object.values(await redis.hgetall(keys.outbox)).map((raw) => JSON.parse(raw))
  return entries.filter(({ type }) => type === 'balance.low').map(({ low }) => low as Low)
}

const prompts = (count: number, text: (index: number) => string) =>
  jsonLines(
    Array.from({ length: count }, (_, i) => ({
      custom_id: `p-${i + 1}`,
      model: MODEL,
      messages: [{ role: 'user', content: `say p-${i + 1} ${text(i)}` }],
    })),
  )

interface World {
  readonly options: { readonly costCents: number; readonly costPerTokenCents: number }
  readonly text: (index: number) => string
  readonly balanceCents: number
}

const REQUESTS = 800
const POLL_MS = 100

/** Works on a batch until it is warned of, tops up, and gives the warnings and what the rest then cost. */
async function warnAndFinish({ options, text, balanceCents }: World) {
  const conduit = await simulate({ ...options, balanceCents, latencyMs: { min: 300, max: 400 } })
  const [directory, dataDir] = [await temporaryDirectory(), await temporaryDirectory()]
  const input = prompts(REQUESTS, text)
  const batch = await handIn({ directory, dataDir, keyPrefix: uniquePrefix(), input })
  const { redis, keys } = batch.session
  await startTestRoles(batch.session, { baseUrl: conduit.baseUrl, dataDirectory: dataDir })

  /** As Conduit tells it, in whole cents. Gives what had been charged by then. */
  async function look(): Promise<number> {
    await setTimeout(POLL_MS)
    const { chargedCents, balanceCents: left } = conduit.stats()
    await noteBalance(redis, keys, Math.floor(left))
    return chargedCents
  }

  let charged = 0
  while ((await toldIn(batch.session)).length === 0) {
    charged = await look()
    expect(charged, 'no warning').toBeLessThan(balanceCents * 0.95)
  }
  conduit.control({ topUpCents: 100_000, latencyMs: { min: 0, max: 0 } })
  while ((await batch.snapshot()).state === 'running') await look()
  const restCents = conduit.stats().chargedCents - charged
  return { told: await toldIn(batch.session), restCents, snapshot: await batch.snapshot() }
}

describe('a balance that falls during a long batch', () => {
  it('is told once, with what the rest of it then costs, within a tenth, be costs even or not', async () => {
    const even = { options: { costCents: 2, costPerTokenCents: 0 }, text: () => '', balanceCents: 1540 }
    /** The long prompts come last. */
    const growing = (i: number) => 'very '.repeat(300 + i / 4)
    const uneven = { options: { costCents: 0, costPerTokenCents: 0.02 }, text: growing, balanceCents: 7600 }
    for (const { told, restCents, snapshot } of await Promise.all([even, uneven].map(warnAndFinish))) {
      expect(snapshot).toMatchObject({ state: 'completed', completed: REQUESTS, pauses: 0 })
      expect(told).toHaveLength(1)
      const [low] = told as [Low]
      expect(Math.abs(low.costToFinishCents / restCents - 1)).toBeLessThan(0.1)
      expect(low.shortByCents).toBeCloseTo(low.costToFinishCents - low.balanceCents, 0)
      expect(low.lastsMs).toBeGreaterThan(0)
    }
  })
})

describe('a low balance', () => {
  let session: Session
  beforeEach(async () => {
    session = await testSession()
  })
  const told = () => toldIn(session)

  /** An active batch of 1,000, of which so many are answered, for a cent each. */
  async function at(answered: number, balanceCents: number): Promise<void> {
    const { redis, keys } = session
    await redis.hset(keys.batch('b1'), { total: 1000, completed: answered, failed: 0, fed: 0 })
    await redis.sadd(keys.activeBatches, 'b1')
    await redis.hset(keys.usage, {
      'used:answers:m': answered,
      'used:prompt:m': answered,
      'used:completion:m': answered,
    })
    await noteBalance(redis, keys, balanceCents)
    await passMinute()
  }

  /** What was seen so far was seen a minute earlier. */
  async function passMinute(): Promise<void> {
    const { redis, keys } = session
    const book = JSON.parse((await redis.hget(keys.credits, 'book')) ?? '') as Book
    const sightings = book.sightings.map((one) => ({ ...one, at: one.at - 60_000 }))
    await redis.hset(keys.credits, 'book', JSON.stringify({ ...book, sightings }))
  }

  it('is told again only when it was enough in between, with 5 % to spare, or for other work', async () => {
    await at(0, 500)
    await at(100, 400)
    expect(await told()).toMatchObject([
      { balanceCents: 400, costToFinishCents: 900, shortByCents: 500, waiting: 900 },
    ])
    await at(200, 820)
    await at(210, 780)
    expect(await told()).toHaveLength(1)
    await at(300, 740)
    await at(310, 680)
    expect(await told()).toHaveLength(2)
    await session.redis.srem(session.keys.activeBatches, 'b1')
    await session.redis.hset(session.keys.batch('b2'), { total: 1000, completed: 0, failed: 0 })
    await session.redis.sadd(session.keys.activeBatches, 'b2')
    await noteBalance(session.redis, session.keys, 680)
    expect(await told()).toHaveLength(3)
  })

  it('is not told while the queue is held for credits', async () => {
    await at(0, 500)
    await session.gate.hold(holdRequest())
    await at(100, 400)
    expect(await told()).toEqual([])
    await session.gate.lift('credits', 'credits_seen')
    await at(101, 399)
    expect(await told()).toHaveLength(1)
  })

  it('is told once when several processes look at once', async () => {
    await at(0, 500)
    await at(50, 450)
    await session.redis.hset(session.keys.usage, { 'used:answers:m': 100 })
    await session.redis.hdel(session.keys.credits, 'low')
    await session.redis.del(session.keys.outbox)
    await Promise.all(Array.from({ length: 20 }, () => noteBalance(session.redis, session.keys, 400)))
    expect(await told()).toHaveLength(1)
  })

  it('shows in the forecast, which goes on between two looks', async () => {
    expect(await readForecast(session.redis, session.keys, 10)).toBeNull()
    await at(0, 2000)
    await at(100, 1900)
    expect(await readForecast(session.redis, session.keys)).toMatchObject({
      balanceCents: 1900,
      centsPerRequest: 1,
      costToFinishCents: 900,
      shortByCents: 0,
      low: false,
    })
    expect(await readForecast(session.redis, session.keys, 50)).toMatchObject({ costToFinishCents: 50 })
    await at(200, 300)
    expect(await readForecast(session.redis, session.keys)).toMatchObject({ low: true })
  })

  it('leaves as an alert that says for how long they last and how much lacks', async () => {
    await at(0, 500)
    await at(100, 400)
    const alerts = openQueue(ALERTS, session.redis, session.keys)
    const looks = { waiting: async () => 0, costToFinish: async () => null }
    await drainOutbox(session.redis, session.keys, alerts, looks, [])
    const [job] = await alerts.getJobs()
    await alerts.close()
    expect(deliverySchema.parse(job?.data).alert).toMatchObject({
      type: 'balance.low',
      id: expect.stringMatching(/^low-/),
      queue: 'default',
      message:
        'The credits will not last: credits for 4 minutes at this rate; what is queued needs about $5.00 more',
      waiting: 900,
      link: 'https://conduit.im',
    })
  })
})
