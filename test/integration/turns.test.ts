import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import type { Priority } from '../../src/completions/priority.js'
import { takeTurns } from '../../src/completions/turns/turns.js'
import { QUICK_OPTIONS, testSession } from '../support/batches.js'

let session: Session
/** So many were fed so far. */
let jobs = 0
beforeEach(async () => {
  session = await testSession()
})

const prioritized = () => session.completions.toKey('prioritized')
const deps = () => ({ redis: session.redis, keys: session.keys, queue: session.completions })
const lane = (n: number) => `b00000000000${n}`

async function setPriority(batch: string, priority: Priority): Promise<void> {
  await session.redis.hset(
    session.keys.batch(batch),
    'options',
    JSON.stringify({ ...QUICK_OPTIONS, priority }),
  )
}

/** Feeds requests of a batch, as BullMQ keeps those that wait. */
async function feed(batch: string, count: number): Promise<number[]> {
  const turns = await takeTurns(batch, count, deps())
  const members = turns.flatMap((turn) => [turn * 2 ** 32 + ++jobs, `${batch}-${jobs}-0`])
  await session.redis.zadd(prioritized(), ...members)
  return turns
}

/** Whose requests go next. */
async function call(count: number): Promise<string[]> {
  const taken = await session.redis.zpopmin(prioritized(), count)
  return taken.filter((_, i) => i % 2 === 0).map((id) => id.slice(0, id.indexOf('-')))
}

const countOf = (calls: readonly string[], batch: string) => calls.filter((own) => own === batch).length

describe('turns', () => {
  it('give batches that are always waiting their shares, over every few hundred calls', async () => {
    const weights = { high: 4, normal: 2, low: 1 }
    const priority = fc.constantFrom<Priority>('high', 'normal', 'low')
    await fc.assert(
      fc.asyncProperty(
        fc.array(priority, { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 20, max: 130 }),
        async (priorities, portion) => {
          await session.redis.del(prioritized(), session.keys.turns)
          const waiting = new Map(priorities.map((_, n) => [lane(n), 0]))
          for (const [n, own] of priorities.entries()) await setPriority(lane(n), own)
          const calls: string[] = []
          for (let round = 0; round < 12; round++) {
            for (const [batch, left] of waiting) {
              for (let more = 300 - left; more > 0; more -= portion) {
                await feed(batch, portion)
                waiting.set(batch, (waiting.get(batch) ?? 0) + portion)
              }
            }
            const taken = await call(100)
            for (const batch of taken) waiting.set(batch, (waiting.get(batch) ?? 0) - 1)
            calls.push(...taken)
          }
          const all = priorities.reduce((sum, own) => sum + weights[own], 0)
          for (const [n, own] of priorities.entries()) {
            for (const from of [0, 200, 700]) {
              const part = countOf(calls.slice(from, from + 500), lane(n))
              // A turn is 64 calls of the highest.
              expect(Math.abs(part - (500 * weights[own]) / all)).toBeLessThanOrEqual(weights[own] * 16 + 10)
            }
          }
        },
      ),
      { numRuns: 8 },
    )
  })

  it('put the first request of a batch that comes before all that wait, and the rest among them', async () => {
    await feed(lane(1), 1000)
    await call(200)
    await feed(lane(2), 10)
    const next = await call(60)
    expect(next[0]).toBe(lane(2))
    expect(countOf(next, lane(2))).toBe(10)
    expect(countOf(next.slice(0, 30), lane(1))).toBeGreaterThan(0)
  })

  it('do not let a stream of small batches stop a large one', async () => {
    await feed(lane(1), 1000)
    const calls: string[] = []
    for (let n = 0; n < 200; n++) {
      await feed(`b${String(n).padStart(12, 'a')}`, 1)
      calls.push(...(await call(1)))
    }
    expect(countOf(calls, lane(1))).toBeGreaterThan(20)
  })

  it('do not go back for a retry, which comes at the turn that it had', async () => {
    await feed(lane(1), 640)
    await call(400)
    const [turn = 0] = await feed(lane(2), 1)
    await session.redis.zadd(prioritized(), 2 * 2 ** 32, `${lane(1)}-0-0`)
    const [after = 0] = await feed(lane(3), 1)
    expect(turn).toBeGreaterThan(5)
    expect(after).toBe(turn)
  })

  it('begin anew when the queue is empty, and only then', async () => {
    await feed(lane(1), 500)
    await call(500)
    await session.redis.zadd(session.completions.toKey('delayed'), 1, 'some-retry')
    const [later = 0] = await feed(lane(2), 1)
    expect(later).toBeGreaterThan(10)
    await call(1)
    await session.redis.del(session.completions.toKey('delayed'))
    expect(await feed(lane(2), 2)).toEqual([1, 2])
  })

  it('end at the highest priority of BullMQ', async () => {
    await session.redis.hset(session.keys.turns, { now: 2 ** 21 - 2, last: 2 ** 21 - 2 })
    await session.redis.zadd(prioritized(), (2 ** 21 - 1) * 2 ** 32, 'x-0-0')
    expect(Math.max(...(await feed(lane(1), 500)))).toBe(2 ** 21)
    expect(Math.max(...(await feed(lane(1), 500)))).toBe(2 ** 21)
  })

  it('cost what the priority of the batch is now', async () => {
    await feed(lane(1), 64)
    await setPriority(lane(1), 'low')
    const turns = await feed(lane(1), 64)
    expect((turns.at(-1) ?? 0) - (turns[0] ?? 0)).toBe(3)
  })
})
