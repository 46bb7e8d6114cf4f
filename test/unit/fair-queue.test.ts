import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFairQueue } from '../../src/admission/fair-queue.js'

/** Somebody comes in a lane, or the next one is served (null). */
const step = fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { freq: 3 })
const steps = fc.array(step, { maxLength: 120 })

interface Caller {
  readonly lane: string
  readonly came: number
}

/** Plays the steps, and tells of each caller how many were served until it was (itself included). */
function play(all: readonly (string | null)[]) {
  const queue = createFairQueue<Caller>()
  const waiting: Caller[] = []
  const served: (Caller & { readonly before: readonly Caller[] })[] = []
  for (const [came, lane] of all.entries()) {
    if (lane !== null) {
      queue.push(lane, { lane, came })
      waiting.push({ lane, came })
    } else {
      const caller = queue.shift()
      expect(caller === undefined).toBe(waiting.length === 0)
      if (caller === undefined) continue
      served.push({ ...caller, before: [...waiting] })
      waiting.splice(
        waiting.findIndex(({ came }) => came === caller.came),
        1,
      )
    }
    expect(queue.size).toBe(waiting.length)
  }
  return { queue, waiting, served }
}

describe('callers of several lanes', () => {
  it('are each served once, within their lane in the order in which they came', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { queue, waiting, served } = play(all)
        for (const { lane, came, before } of served) {
          expect(before.find((other) => other.lane === lane)?.came).toBe(came)
        }
        const left = queue.takeAll()
        expect(left.map(({ came }) => came).sort((x, y) => x - y)).toEqual(waiting.map(({ came }) => came))
        expect(queue.shift()).toBeUndefined()
      }),
    )
  })

  it('have equal parts while their lanes wait, whatever waits elsewhere', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 20, max: 40 }), { minLength: 2, maxLength: 5 }), (lengths) => {
        const queue = createFairQueue<string>()
        for (const [lane, length] of lengths.entries()) {
          for (let i = 0; i < length; i++) queue.push(String(lane), String(lane))
        }
        // Each was a newcomer first.
        for (const _ of lengths) [queue.shift(), queue.shift()]
        const calls = Array.from({ length: 5 * lengths.length }, () => queue.shift())
        for (const lane of lengths.keys()) {
          expect(calls.filter((own) => own === String(lane))).toHaveLength(5)
        }
      }),
    )
  })

  it('wait for two grants at most when they are the only newcomers', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const { queue, waiting } = play(all)
        // Newcomers that are there already are served first.
        for (let i = 0; i < 10; i++) if (waiting.length > 0) queue.shift()
        queue.push('new', { lane: 'new', came: -1 })
        expect([queue.shift(), queue.shift()].map((caller) => caller?.lane)).toContain('new')
      }),
    )
  })

  it('never starve, however many lanes come anew', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4 }), (ahead, atOnce) => {
        const queue = createFairQueue<string>()
        for (let i = 0; i < ahead; i++) queue.push('old', 'old')
        let grants = 0
        let served = 0
        for (let n = 0; served < ahead; n++) {
          for (let i = 0; i < atOnce; i++) queue.push(`new-${n}-${i}`, 'new')
          if (queue.shift() === 'old') served++
          grants++
        }
        expect(grants).toBeLessThanOrEqual(2 * ahead + 1)
      }),
    )
  })
})
