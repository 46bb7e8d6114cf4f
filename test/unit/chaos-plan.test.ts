import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Deed, mostRepeats } from '../../scripts/chaos/deed.js'
import { BREATH_MS, planStrikes } from '../../scripts/chaos/plan.js'
import type { Blow, Strike, Target } from '../../scripts/chaos/strike.js'
import { targetsOf } from '../../scripts/chaos/targets.js'
import { postsOf, type Topology } from '../../scripts/chaos/topology.js'

const topology = fc.constantFrom<Topology>('apart', 'run', 'helped')
const targets = topology.map((kind) =>
  targetsOf({ posts: postsOf(kind, []), disk: {} } as unknown as Parameters<typeof targetsOf>[0]),
)

describe('a schedule of strikes', () => {
  test('is the same for the same seed, in order, over in time, and strikes nothing that is down', () => {
    const options = fc.record({
      seed: fc.integer(),
      targets,
      lengthMs: fc.integer({ min: 0, max: 120_000 }),
      everyMs: fc.integer({ min: 100, max: 5000 }),
    })
    fc.assert(
      fc.property(options, (given) => {
        const plan = planStrikes(given)
        expect(planStrikes(given)).toEqual(plan)
        const freeFrom = new Map<string, number>()
        let before = 0
        for (const { atMs, forMs, target } of plan) {
          expect(atMs).toBeGreaterThanOrEqual(before)
          expect(atMs).toBeGreaterThanOrEqual(freeFrom.get(target.name) ?? 0)
          expect(atMs + forMs).toBeLessThanOrEqual(given.lengthMs)
          freeFrom.set(target.name, atMs + forMs + BREATH_MS)
          before = atMs
        }
      }),
    )
  })

  test('lets every kind of victim have its turn, and in a long one every blow', () => {
    fc.assert(
      fc.property(fc.integer(), targets, (seed, all) => {
        const plan = planStrikes({ seed, targets: all, lengthMs: 1_000_000, everyMs: 4000 })
        const struck = (strike: Strike) => `${strike.target.kind} ${strike.blow}`
        const blows = new Set(plan.map(struck))
        expect(new Set(plan.map(({ target }) => target.group))).toEqual(
          new Set(all.map(({ group }) => group)),
        )
        expect(blows.size).toBe(11)
      }),
      { numRuns: 20 },
    )
  })
})

describe('calls that may have been paid twice', () => {
  const near = { name: 'near', calls: true, far: false }
  const far = { name: 'far', calls: true, far: true }
  const files = { name: 'files', calls: false, far: false }
  const deed = (name: string, blow: Blow, fromMs = 0, forMs = 1000): Deed => {
    const kind: Target['kind'] = name === 'redis' ? 'redis' : name.startsWith('network') ? 'link' : 'process'
    return {
      strike: { atMs: fromMs, forMs, target: { kind, name, group: '' }, blow },
      fromMs,
      toMs: fromMs + forMs,
    }
  }
  test.each<[string, readonly Deed[], number]>([
    ['none when nothing was struck', [], 0],
    [
      'those in flight in a process that was killed, each time',
      [deed('near', 'kill'), deed('near', 'kill', 9000)],
      20,
    ],
    ['none when what was killed makes no calls', [deed('files', 'kill')], 0],
    ['none when it was told to stop', [deed('near', 'terminate')], 0],
    [
      'those in flight when it had to stop without Redis',
      [deed('near', 'terminate'), deed('redis', 'kill')],
      10,
    ],
    [
      'none when Redis was away, or the network',
      [deed('redis', 'freeze', 0, 9000), deed('network of near', 'stall', 0, 9000)],
      0,
    ],
    ['none when a process stood still on this machine', [deed('near', 'freeze', 0, 9000)], 0],
    ['none when one on another machine stood still for a moment', [deed('far', 'freeze', 0, 3000)], 0],
    ['those of one on another machine that was silent for long', [deed('far', 'freeze', 0, 6000)], 10],
  ])('%s', (_, deeds, expected) => {
    expect(mostRepeats(deeds, [near, far, files], 10)).toBe(expected)
  })
})
