import { Writable } from 'node:stream'
import pino from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import type { HoldReason } from '../../src/admission/hold.js'
import type { Session } from '../../src/batches/session.js'
import { createKeyHolder } from '../../src/completions/key-holder.js'
import {
  type BalanceWatch,
  type BalanceWatchOptions,
  createBalanceWatch,
} from '../../workers/balance-watch.js'
import { testSession } from '../support/batches.js'
import { type ScriptedAccount, scriptAccount } from '../support/billing.js'
import { holdRequest, personHold } from '../support/gates.js'
import { putAwayAfterEach } from '../support/put-away.js'

let session: Session
let account: ScriptedAccount
let logged: string[]
let balances: number[]
const watches = new Set<BalanceWatch>()

beforeEach(async () => {
  session = await testSession()
  account = await scriptAccount()
  logged = []
  balances = []
})
putAwayAfterEach(async () => {
  for (const watch of watches) await watch.close()
  watches.clear()
})

const log = pino(
  { level: 'info' },
  new Writable({
    write(chunk, _encoding, done) {
      logged.push(JSON.parse(String(chunk)).msg)
      done()
    },
  }),
)

/** Always due, unless a poll is given. */
async function startWatch(over: Partial<BalanceWatchOptions> = {}): Promise<BalanceWatch> {
  const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
  const watch = createBalanceWatch({
    session,
    keyHolder,
    billingUrl: account.billingUrl,
    pollMs: 0,
    autoResume: true,
    onBalance: async (cents) => void balances.push(cents),
    mirrorGate: async () => {},
    log,
    onTrouble: () => {},
    ...over,
  })
  watches.add(watch)
  return watch
}

async function hold(): Promise<void> {
  const { epoch } = await session.gate.read()
  expect(await session.gate.hold(holdRequest({ epoch }))).toBe('placed')
}

async function reasons(): Promise<HoldReason[]> {
  return (await session.gate.read()).holds.map(({ reason }) => reason)
}

/** Something waits, so that the balance matters. */
async function queueSomething(): Promise<void> {
  await session.redis.sadd(session.keys.activeBatches, 'b1')
  await session.redis.hset(session.keys.batch('b1'), 'total', 3)
}

describe('while credits hold', () => {
  it('leftover cents lift nothing; a balance above them does, and only that hold', async () => {
    const watch = await startWatch()
    account.balance = 3
    await hold()
    await session.gate.hold(personHold())
    for (let look = 0; look < 3; look++) await watch.look()
    expect(await reasons()).toEqual(['credits', 'person'])
    account.balance = 4
    await watch.look()
    expect(await reasons()).toEqual(['person'])
    expect(logged).toEqual(['gate.credits_seen'])
    expect(balances).toEqual([3, 3, 3, 4])
  })

  it('a purchase lifts once: refused again, the same incident goes on until the next one', async () => {
    await queueSomething()
    const watch = await startWatch()
    account.balance = 1
    account.buy('before', Date.now() - 1000)
    await hold()
    await watch.look()
    expect(await reasons()).toEqual(['credits'])
    account.buy('first')
    account.balance = 'broken'
    await watch.look()
    expect(await session.gate.read()).toMatchObject({ holds: [], incident: { liftedBy: 'credits_seen' } })
    account.balance = 2
    await hold()
    for (let look = 0; look < 3; look++) await watch.look()
    expect(await session.gate.read()).toMatchObject({
      holds: [{ reason: 'credits' }],
      incident: { failedProbes: 1 },
    })
    account.buy('second')
    await watch.look()
    expect(await reasons()).toEqual([])
  })

  it('a purchase that was too little for the one who resumed by hand lifts no hold that came of it', async () => {
    await queueSomething()
    const handled = async () => {
      await session.gate.lift('*', 'person')
      // Of two holds in one millisecond nobody can tell which is which.
      await new Promise((resolve) => setTimeout(resolve, 5))
      await hold()
    }
    const watch = await startWatch()
    await hold()
    await watch.look()
    account.buy('too little')
    account.balance = 1
    await (await startWatch({ onBalance: handled })).look()
    await watch.look()
    expect(await reasons()).toEqual(['credits'])
    account.balance = 2
    await watch.look()
    expect(await reasons()).toEqual([])
  })

  it('finds a purchase behind hundreds of charges, and what was bought while nobody looked', async () => {
    const watch = await startWatch()
    account.balance = 'broken'
    await hold()
    const debit = (n: number) => ({
      id: `d${n}`,
      type: 'USAGE_DEBIT',
      amountInCents: -1,
      createdAt: new Date(Date.now() + 60_000).toISOString(),
    })
    account.buy('bought', Date.now() + 1000)
    for (let n = 0; n < 350 && typeof account.ledger === 'object'; n++) account.ledger.unshift(debit(n))
    await watch.look()
    expect(await reasons()).toEqual([])
  })

  it('is looked at at once, however long ago the last look was', async () => {
    await queueSomething()
    const watch = await startWatch({ pollMs: 60_000 })
    for (let look = 0; look < 3; look++) await watch.look()
    expect(account.asked).toEqual({ balance: 1, ledger: 0 })
    await hold()
    for (let look = 0; look < 3; look++) await watch.look()
    expect(account.asked).toEqual({ balance: 2, ledger: 1 })
  })

  it('is looked at by whoever starts, however long ago the last look was', async () => {
    const watch = await startWatch({ pollMs: 60_000 })
    await watch.lookAtHold()
    await hold()
    await watch.look()
    account.balance = 500
    await watch.look()
    expect(await reasons()).toEqual(['credits'])
    await (await startWatch({ pollMs: 60_000 })).lookAtHold()
    expect(await reasons()).toEqual([])
    expect(account.asked).toEqual({ balance: 2, ledger: 2 })
  })

  it('without auto-resume it is not looked at, and that keeps nobody else from it', async () => {
    const people = await startWatch({ autoResume: false })
    await hold()
    await people.look()
    account.balance = 500
    account.buy('new')
    await people.look()
    expect(await reasons()).toEqual(['credits'])
    expect(account.asked.balance).toBe(0)
    await (await startWatch()).look()
    expect(await reasons()).toEqual([])
  })
})

describe('one at a time', () => {
  it('asks, of any number of processes, and the next after its poll', async () => {
    await queueSomething()
    const all = await Promise.all(Array.from({ length: 8 }, () => startWatch({ pollMs: 60_000 })))
    await Promise.all(all.map((watch) => watch.look()))
    expect(account.asked.balance).toBe(1)
    await session.redis.hset(session.keys.creditsLook, 'askedAt', Date.now() - 61_000)
    await Promise.all(all.map((watch) => watch.look()))
    expect(account.asked.balance).toBe(2)
  })

  it('asks nothing while nothing waits, nor while another hold keeps the queue', async () => {
    const watch = await startWatch()
    await watch.look()
    await queueSomething()
    await session.gate.hold(personHold())
    await watch.look()
    expect(account.asked.balance).toBe(0)
  })
})

describe('a billing endpoint that does not tell', () => {
  it('is warned of once until it tells again, and lifts nothing', async () => {
    const told: string[] = []
    const [one, two] = await Promise.all([
      startWatch({ onTrouble: (text) => void told.push(text) }),
      startWatch({ onTrouble: (text) => void told.push(text) }),
    ])
    await hold()
    account.balance = 'broken'
    account.ledger = 'broken'
    for (const watch of [one, two, one, two]) await watch.look()
    expect(logged).toEqual(['balance.unavailable'])
    expect(told).toHaveLength(1)
    account.balance = 0
    account.ledger = []
    await two.look()
    account.balance = 'broken'
    await one.look()
    expect(logged).toEqual(['balance.unavailable', 'balance.available', 'balance.unavailable'])
    expect(await reasons()).toEqual(['credits'])
  })

  it('that hangs keeps no process from leaving, and the next may ask at once', async () => {
    const watch = await startWatch()
    await hold()
    account.balance = 'hangs'
    const looking = watch.look()
    await expect.poll(() => account.asked.balance).toBe(1)
    await watch.close()
    await looking
    account.balance = 0
    await (await startWatch()).look()
    expect(account.asked.balance).toBe(2)
  })
})
