import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Lease } from '../../src/admission/lease.js'
import { type Admission, createPermits, type Permits } from '../../src/admission/permits.js'
import type { LeaseReport } from '../../src/admission/reports.js'
import { aReport } from '../support/gates.js'

type Answer = (want: number, report: LeaseReport | null) => Partial<Lease> | Promise<Partial<Lease>>

interface Trip {
  readonly atMs: number
  readonly want: number
  readonly report: LeaseReport | null
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const elapse = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Permits on a lease script that answers as the test says; by default it is open and gives what is wanted. */
function permitsOn(answer: Answer = () => ({})) {
  const startedAt = Date.now()
  const trips: Trip[] = []
  const errors: unknown[] = []
  const ask = async (want: number, report: LeaseReport | null): Promise<Lease> => {
    trips.push({ atMs: Date.now() - startedAt, want, report })
    return {
      state: 'open',
      pace: 'open',
      permits: want,
      firstInMs: 0,
      spacingMs: 1,
      gateEpoch: 0,
      paceEpoch: 0,
      askAgainInMs: 0,
      ratePerSecond: 1000,
      ...(await answer(want, report)),
    }
  }
  const permits = createPermits(ask, (error) => errors.push(error))
  return { permits, trips, errors, startedAt }
}

/** Callers, and in which order and when each heard what. */
function callers(permits: Permits, count: number, startedAt = Date.now()) {
  const heard: { caller: number; admission: Admission; atMs: number }[] = []
  for (let caller = 0; caller < count; caller++) {
    void permits.acquire().then((admission) => {
      heard.push({ caller, admission, atMs: Date.now() - startedAt })
    })
  }
  return {
    heard,
    kinds: () => heard.map(({ admission }) => admission.kind),
    order: () => heard.map(({ caller }) => caller),
    permitOf(at: number) {
      const admission = heard[at]?.admission
      if (admission?.kind !== 'go') throw new Error(`caller ${at} has no permit`)
      return admission.permit
    },
  }
}

describe('callers that come together', () => {
  it('share one round trip, and go one after the other at the spacing of the lease', async () => {
    const { permits, trips, startedAt } = permitsOn(() => ({ firstInMs: 10, spacingMs: 5 }))
    const all = callers(permits, 8, startedAt)
    await elapse(100)
    expect(trips.map(({ want }) => want)).toEqual([8])
    const sentAt = all.heard.map(({ atMs }) => atMs)
    expect(sentAt.map((atMs) => atMs - (sentAt[0] ?? 0))).toEqual([0, 5, 10, 15, 20, 25, 30, 35])
    expect((sentAt[0] ?? 0) - (trips[0]?.atMs ?? 0)).toBe(10)
  })

  it('are served in the order in which they came, over as many leases as it takes', async () => {
    const { permits, trips } = permitsOn((want) => ({ permits: Math.min(3, want), askAgainInMs: 20 }))
    const all = callers(permits, 10)
    expect(permits.waiting).toBe(10)
    await elapse(200)
    expect(all.order()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(trips.map(({ want }) => want)).toEqual([10, 7, 4, 1])
    expect(permits.waiting).toBe(0)
  })

  it('never ask for more than a lease may hold', async () => {
    const { permits, trips } = permitsOn()
    const all = callers(permits, 450)
    await elapse(500)
    expect(trips.map(({ want }) => want)).toEqual([200, 200, 50])
    expect(all.heard).toHaveLength(450)
  })

  it('are not asked for again before that is of use', async () => {
    const { permits, trips } = permitsOn(() => ({ permits: 0, askAgainInMs: 120 }))
    callers(permits, 2)
    await elapse(400)
    const at = trips.map(({ atMs }) => atMs)
    expect(at.length).toBeGreaterThanOrEqual(3)
    for (const [i, atMs] of at.slice(1).entries()) expect(atMs - (at[i] ?? 0)).toBeGreaterThanOrEqual(120)
  })

  it('are asked for at least twice a second, however long the lease says to wait', async () => {
    const { permits, trips } = permitsOn(() => ({ permits: 0, askAgainInMs: 60_000 }))
    callers(permits, 1)
    await elapse(2100)
    expect(trips.length).toBeGreaterThanOrEqual(4)
  })
})

describe('a caller that comes during a round trip', () => {
  it('is asked for right after one that asked for nobody', async () => {
    let answer = (_: Partial<Lease>): void => {}
    let paceEpoch = 0
    const { permits, trips } = permitsOn((want) =>
      want > 0
        ? { paceEpoch: paceEpoch++ }
        : new Promise((resolve) => {
            answer = resolve
          }),
    )
    const first = callers(permits, 1)
    await elapse(10)
    first.permitOf(0).report({ kind: 'refused', retryAfterMs: null })
    await elapse(5)
    const second = callers(permits, 1)
    await elapse(5)
    expect(trips).toHaveLength(2)
    answer({ permits: 0, askAgainInMs: 500 })
    await elapse(20)
    expect(second.kinds()).toEqual(['go'])
  })
})

describe('a gate that is held', () => {
  it('is told to everybody who waits', async () => {
    const { permits } = permitsOn(() => ({ state: 'held', permits: 0, askAgainInMs: 500 }))
    const all = callers(permits, 5)
    await elapse(20)
    expect(all.kinds()).toEqual(Array(5).fill('held'))
    expect(permits.waiting).toBe(0)
  })

  it('is told at once when a call of this process found it so', async () => {
    const { permits } = permitsOn(() => ({ permits: 0, askAgainInMs: 400 }))
    const all = callers(permits, 5)
    await elapse(20)
    permits.hold()
    await elapse(0)
    expect(all.kinds()).toEqual(Array(5).fill('held'))
  })

  it('voids the permits that are scheduled, and reports them as not used', async () => {
    const { permits, trips } = permitsOn(() => ({ firstInMs: 20, spacingMs: 10 }))
    const all = callers(permits, 4)
    await elapse(26)
    expect(all.kinds()).toEqual(['go'])
    expect(permits.leased).toBe(3)
    permits.hold()
    await elapse(100)
    expect(all.kinds()).toEqual(['go', 'held', 'held', 'held'])
    expect(permits.leased).toBe(0)
    await permits.flush()
    expect(trips.at(-1)).toMatchObject({ want: 0, report: aReport({ unsent: 3 }) })
  })

  it('is asked anew for who comes later', async () => {
    const { permits } = permitsOn()
    permits.hold()
    const all = callers(permits, 2)
    await elapse(20)
    expect(all.kinds()).toEqual(['go', 'go'])
  })
})

describe('permits whose time has not come', () => {
  /** Four callers on permits 10 ms apart; what later trips say is up to the test. */
  async function fourCallers(later: Partial<Lease>) {
    let isFirst = true
    const made = permitsOn((want) => {
      if (!isFirst) return { permits: 0, askAgainInMs: 200, ...later }
      isFirst = false
      return { permits: want, spacingMs: 10 }
    })
    const all = callers(made.permits, 4)
    await elapse(5)
    expect(all.order()).toEqual([0])
    expect(made.permits.leased).toBe(3)
    return { ...made, all }
  }

  it('are void at the first 429 of their epoch: they are given back with its report', async () => {
    const { permits, trips, all } = await fourCallers({ pace: 'closed' })
    all.permitOf(0).report({ kind: 'refused', retryAfterMs: null })
    expect(permits).toMatchObject({ leased: 0, waiting: 3 })
    await elapse(100)
    expect(all.order()).toEqual([0])
    expect(trips[1]).toMatchObject({ want: 3, report: { refused: 1, unsent: 3, slowestRefusalMs: 1 } })
  })

  it.each([
    ['a new epoch', { paceEpoch: 1 }],
    ['a closing', { pace: 'closed' }],
    ['an outage', { pace: 'outage', paceEpoch: 1 }],
  ] as const)('are void when a lease tells of %s', async (_, told) => {
    const { permits, trips, all } = await fourCallers(told)
    callers(permits, 1)
    await elapse(7)
    expect(permits).toMatchObject({ leased: 0, waiting: 4 })
    expect(all.order()).toEqual([0])
    await permits.flush()
    expect(trips.at(-1)?.report).toEqual(aReport({ unsent: 3 }))
  })

  it('are asked for anew when a mere look finds the pace closed: nothing else wakes their callers', async () => {
    const { permits, trips, all } = await fourCallers({ pace: 'closed' })
    await permits.refresh()
    expect(permits).toMatchObject({ leased: 0, waiting: 3 })
    await elapse(250)
    expect(trips.at(-1)).toMatchObject({ want: 3 })
    expect(all.order()).toEqual([0])
  })

  it('count again when Redis has lost what it knew, and its epochs begin anew', async () => {
    let paceEpoch = 7
    const { permits } = permitsOn(() => ({ paceEpoch }))
    const first = callers(permits, 1)
    await elapse(10)
    first.permitOf(0).report({ kind: 'refused', retryAfterMs: null })
    paceEpoch = 0
    const second = callers(permits, 2)
    await elapse(700)
    expect(second.kinds()).toEqual(['go', 'go'])
  })

  it('leave their callers their place: they go before whoever came later', async () => {
    let paceEpoch = 0
    const { permits } = permitsOn((_, report) => {
      if (report !== null && report.refused > 0) paceEpoch = 1
      return { paceEpoch, spacingMs: 10 }
    })
    const order: number[] = []
    const call = (caller: number) => permits.acquire().finally(() => order.push(caller))
    const first = call(0)
    void call(1)
    void call(2)
    await elapse(5)
    void call(3)
    const admission = await first
    if (admission.kind === 'go') admission.permit.report({ kind: 'refused', retryAfterMs: null })
    await elapse(200)
    expect(order).toEqual([0, 1, 2, 3])
  })

  it('are void before they come when they are of an epoch that was refused meanwhile', async () => {
    const answers: ((lease: Partial<Lease>) => void)[] = []
    const { permits, trips } = permitsOn((_, report) =>
      trips.length === 2 && report === null ? new Promise((resolve) => answers.push(resolve)) : {},
    )
    const first = callers(permits, 1)
    await elapse(10)
    const second = callers(permits, 1)
    await elapse(10)
    first.permitOf(0).report({ kind: 'refused', retryAfterMs: null })
    answers[0]?.({ permits: 1, paceEpoch: 0 })
    await elapse(1)
    expect(second.kinds()).toEqual([])
    expect(trips[2]).toMatchObject({ want: 1, report: { refused: 1, unsent: 1 } })
  })
})

describe('an outage', () => {
  it('is seen from here when ten requests fail for the first time in a row, until one call succeeds', async () => {
    const { permits } = permitsOn()
    const all = callers(permits, 14)
    await elapse(50)
    for (let at = 0; at < 9; at++) all.permitOf(at).report({ kind: 'failed', fresh: true })
    all.permitOf(9).report({ kind: 'failed', fresh: false })
    expect(permits.outage).toBe(false)
    all.permitOf(10).report({ kind: 'failed', fresh: true })
    expect(permits.outage).toBe(true)
    all.permitOf(11).report({ kind: 'answered' })
    expect(permits.outage).toBe(false)
  })

  it('is told by the fleet, and its end too', async () => {
    let pace: Lease['pace'] = 'outage'
    const { permits } = permitsOn(() => ({ pace }))
    await permits.refresh()
    expect(permits.outage).toBe(true)
    pace = 'open'
    await permits.refresh()
    expect(permits.outage).toBe(false)
  })

  it('is asked for by one call, whose answer is told at once', async () => {
    const { permits, trips } = permitsOn((_, report) =>
      report === null ? { pace: 'outage', permits: 1, askAgainInMs: 400 } : {},
    )
    const all = callers(permits, 3)
    await elapse(10)
    all.permitOf(0).report({ kind: 'answered' })
    await elapse(1)
    expect(trips.at(-1)?.report).toEqual(aReport({ answered: 1 }))
    await elapse(5)
    expect(all.kinds()).toEqual(['go', 'go', 'go'])
  })
})

describe('a single probe', () => {
  const probe = { state: 'probing', permits: 1, gateEpoch: 1 } as const
  const taken = { state: 'probing', permits: 0, gateEpoch: 1, askAgainInMs: 500 } as const

  it('is told of at once when it has ended: nobody waits for the next lease', async () => {
    let out = false
    const { permits, trips } = permitsOn((_, report) => {
      if (report !== null) return { gateEpoch: 1 }
      if (out) return taken
      out = true
      return probe
    })
    const all = callers(permits, 3)
    await elapse(20)
    expect(all.kinds()).toEqual(['go'])
    const before = trips.length
    all.permitOf(0).report({ kind: 'answered' })
    await elapse(5)
    expect(trips[before]?.report).toEqual(aReport({ gateEpoch: 1, answered: 1 }))
    expect(all.kinds()).toEqual(['go', 'go', 'go'])
  })

  it('is given back when the one who wanted it has gone meanwhile', async () => {
    let answer = (_: Partial<Lease>): void => {}
    const { permits, trips } = permitsOn((_, report) =>
      report !== null
        ? taken
        : new Promise((resolve) => {
            answer = resolve
          }),
    )
    const all = callers(permits, 1)
    await elapse(10)
    permits.close()
    await elapse(0)
    expect(all.kinds()).toEqual(['closing'])
    answer(probe)
    await permits.flush()
    expect(trips.at(-1)?.report).toEqual(aReport({ gateEpoch: 1, unsent: 1 }))
  })
})

describe('reports', () => {
  const granted = async (answer?: Answer, count = 3) => {
    const made = permitsOn(answer)
    const all = callers(made.permits, count)
    await elapse(50)
    return { ...made, all, before: made.trips.length }
  }

  it('wait for company a tenth of a second, then they go without a lease', async () => {
    const { trips, all, before } = await granted()
    all.permitOf(0).report({ kind: 'answered' })
    await elapse(60)
    all.permitOf(1).report({ kind: 'failed', fresh: true })
    await elapse(39)
    expect(trips).toHaveLength(before)
    await elapse(1)
    expect(trips.slice(before).map(({ want, report }) => ({ want, report }))).toEqual([
      { want: 0, report: aReport({ answered: 1, failed: 1, fresh: 1 }) },
    ])
    await elapse(1000)
    expect(trips).toHaveLength(before + 1)
  })

  it('are summed, and go with the next lease', async () => {
    const { permits, trips, all, before } = await granted()
    all.permitOf(0).report({ kind: 'answered' })
    all.permitOf(1).report({ kind: 'otherwise' })
    all.permitOf(2).report({ kind: 'answered' })
    await elapse(90)
    expect(trips).toHaveLength(before)
    callers(permits, 1)
    await elapse(9)
    expect(trips.slice(before).map(({ want, report }) => ({ want, report }))).toEqual([
      { want: 1, report: aReport({ answered: 2, otherwise: 1 }) },
    ])
  })

  it('count a call once, whoever reports it again', async () => {
    const { permits, trips, all } = await granted(undefined, 1)
    all.permitOf(0).report({ kind: 'answered' })
    all.permitOf(0).report({ kind: 'otherwise' })
    await permits.flush()
    expect(trips.at(-1)?.report).toEqual(aReport({ answered: 1 }))
  })

  it('of a refusal go at once, with the longest Retry-After and how long the slowest took', async () => {
    const { trips, all, before } = await granted()
    all.permitOf(0).report({ kind: 'refused', retryAfterMs: 2000 })
    all.permitOf(1).report({ kind: 'refused', retryAfterMs: null })
    all.permitOf(2).report({ kind: 'refused', retryAfterMs: 7000 })
    await elapse(1)
    expect(trips.slice(before).map(({ report }) => report)).toEqual([
      aReport({ refused: 3, retryAfterMs: 7000, slowestRefusalMs: 46 }),
    ])
  })

  it('of a refusal that comes during a round trip go right after it', async () => {
    const answers: ((lease: Partial<Lease>) => void)[] = []
    const { permits, trips, all, before } = await granted((want) =>
      want === 3 ? {} : new Promise((resolve) => answers.push(resolve)),
    )
    callers(permits, 1)
    await elapse(10)
    all.permitOf(0).report({ kind: 'refused', retryAfterMs: 1000 })
    await elapse(10)
    expect(trips).toHaveLength(before + 1)
    answers[0]?.({ permits: 0, askAgainInMs: 400 })
    await elapse(10)
    expect(trips.at(-1)?.report).toEqual(aReport({ refused: 1, retryAfterMs: 1000, slowestRefusalMs: 56 }))
  })

  it('are kept apart by the epochs of their leases', async () => {
    let paceEpoch = 0
    const { permits, trips } = permitsOn(() => ({ paceEpoch: paceEpoch++, gateEpoch: 3 }))
    const first = callers(permits, 1)
    await elapse(10)
    const second = callers(permits, 1)
    await elapse(10)
    const before = trips.length
    first.permitOf(0).report({ kind: 'answered' })
    second.permitOf(0).report({ kind: 'otherwise' })
    await permits.flush()
    expect(trips.slice(before).map(({ want, report }) => ({ want, report }))).toEqual([
      { want: 0, report: aReport({ gateEpoch: 3, paceEpoch: 0, answered: 1 }) },
      { want: 0, report: aReport({ gateEpoch: 3, paceEpoch: 1, otherwise: 1 }) },
    ])
  })

  it('give the permit its gate epoch, which tells how old a refusal is', async () => {
    const { all } = await granted(() => ({ gateEpoch: 7 }))
    expect(all.permitOf(0).epoch).toBe(7)
  })

  it('are sent by a refresh, which asks for no permit and gives what it saw', async () => {
    const { permits, trips, all } = await granted()
    all.permitOf(0).report({ kind: 'answered' })
    expect(await permits.refresh()).toMatchObject({ state: 'open' })
    expect(trips.at(-1)).toMatchObject({ want: 0, report: aReport({ answered: 1 }) })
  })
})

describe('a Redis that does not answer', () => {
  const away = new Error('Redis is away')

  it('is told, and asked again until it does: nobody who waits is forgotten', async () => {
    let failures = 2
    const { permits, errors, trips } = permitsOn(() => {
      if (failures-- > 0) throw away
      return {}
    })
    const all = callers(permits, 2)
    await elapse(5000)
    expect(errors).toEqual([away, away])
    expect(all.kinds()).toEqual(['go', 'go'])
    expect(trips.map(({ want }) => want)).toEqual([2, 2, 2])
  })

  it('is not hammered', async () => {
    const { permits, trips } = permitsOn(() => {
      throw away
    })
    callers(permits, 2)
    await elapse(2000)
    expect(trips.length).toBeLessThanOrEqual(6)
  })

  it('loses no report, also not those that came meanwhile', async () => {
    let reject: ((error: Error) => void) | null = null
    let fail = false
    const { permits, trips } = permitsOn(() => {
      if (!fail) return {}
      fail = false
      return new Promise((_, refuse) => {
        reject = refuse
      })
    })
    const all = callers(permits, 3)
    await elapse(20)
    fail = true
    all.permitOf(0).report({ kind: 'refused', retryAfterMs: 4000 })
    await elapse(5)
    all.permitOf(1).report({ kind: 'answered' })
    all.permitOf(2).report({ kind: 'refused', retryAfterMs: 1000 })
    ;(reject as ((error: Error) => void) | null)?.(away)
    await elapse(1000)
    expect(trips.at(-1)?.report).toEqual(
      aReport({ refused: 2, answered: 1, retryAfterMs: 4000, slowestRefusalMs: 19 }),
    )
  })
})

describe('closing', () => {
  it('tells everybody who waits, and everybody who comes later', async () => {
    const { permits, trips } = permitsOn(() => ({ permits: 0, askAgainInMs: 500 }))
    const all = callers(permits, 3)
    await elapse(10)
    permits.close()
    const late = callers(permits, 1)
    await elapse(1000)
    expect([...all.kinds(), ...late.kinds()]).toEqual(['closing', 'closing', 'closing', 'closing'])
    expect(trips).toHaveLength(1)
  })

  it('lets nobody go out on a permit that is only scheduled', async () => {
    const { permits, trips } = permitsOn(() => ({ firstInMs: 30 }))
    const all = callers(permits, 2)
    await elapse(10)
    permits.close()
    await elapse(100)
    expect(all.kinds()).toEqual(['closing', 'closing'])
    await permits.flush()
    expect(trips.at(-1)?.report).toEqual(aReport({ unsent: 2 }))
  })

  it('asks for nothing by itself once all is sent: the connection closes then', async () => {
    const { permits, trips } = permitsOn()
    const all = callers(permits, 2)
    await elapse(20)
    permits.close()
    all.permitOf(0).report({ kind: 'refused', retryAfterMs: null })
    await permits.flush()
    all.permitOf(1).report({ kind: 'refused', retryAfterMs: null })
    const sent = trips.length
    await elapse(2000)
    expect(trips).toHaveLength(sent)
  })

  it('still takes what comes of calls that are out, and sends it', async () => {
    const { permits, trips } = permitsOn()
    const all = callers(permits, 2)
    await elapse(20)
    permits.close()
    all.permitOf(0).report({ kind: 'answered' })
    all.permitOf(1).report({ kind: 'otherwise' })
    await permits.flush()
    expect(trips.at(-1)).toMatchObject({ want: 0, report: aReport({ answered: 1, otherwise: 1 }) })
    const sent = trips.length
    await permits.flush()
    expect(trips).toHaveLength(sent)
  })
})

describe('permits whose time went by while this process stood still', () => {
  it('are void, all of them: their callers are given new ones, in their order', async () => {
    let first = true
    const { permits, trips } = permitsOn(() => {
      const lease = first ? { firstInMs: 20, spacingMs: 10 } : { firstInMs: 0, spacingMs: 0 }
      first = false
      return lease
    })
    const { heard, order } = callers(permits, 4)
    await elapse(5)
    expect(permits.leased).toBe(4)
    // As a SIGSTOP does it: the clock goes on, and nothing runs.
    const before = performance.now()
    const now = vi.spyOn(performance, 'now').mockImplementation(() => before + 7000)
    await elapse(20)
    now.mockRestore()
    await elapse(200)
    expect(order()).toEqual([0, 1, 2, 3])
    expect(heard.map(({ admission }) => admission.kind)).toEqual(['go', 'go', 'go', 'go'])
    const given = trips.filter(({ want }) => want > 0)
    expect(given.map(({ want }) => want)).toEqual([4, 4])
    expect(trips.reduce((sum, { report }) => sum + (report?.unsent ?? 0), 0)).toBe(4)
  })
})
