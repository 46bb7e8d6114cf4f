import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addLook, NO_LOOKS, silentWorkers } from '../../src/completions/late-workers.js'

/** When, and the heartbeats that were seen. A look's answer comes at once. */
type Seen = readonly [atMs: number, heartbeats: Readonly<Record<string, number>>]

/** Who is dead after these looks. */
function deadAfter(seen: readonly Seen[]): string[] {
  const looks = seen.reduce(
    (before, [atMs, heartbeats]) =>
      addLook(before, {
        heartbeats: new Map(Object.entries(heartbeats)),
        askedAtMs: atMs,
        answeredAtMs: atMs,
      }),
    NO_LOOKS,
  )
  return silentWorkers(looks)
}

/** Looks twice a second from one moment to another, both included. */
function looks(fromMs: number, toMs: number, heartbeats: Seen[1], everyMs = 500): Seen[] {
  return Array.from({ length: (toMs - fromMs) / everyMs + 1 }, (_, i) => [fromMs + i * everyMs, heartbeats])
}

describe('a worker that is silent', () => {
  it('is dead after six seconds in which every look found the same heartbeat', () => {
    expect(deadAfter(looks(0, 5500, { b: 1 }))).toEqual([])
    expect(deadAfter(looks(0, 6000, { b: 1 }))).toEqual(['b'])
  })

  it('is not dead for having been silent in a few looks, however far apart', () => {
    expect(deadAfter(looks(0, 8000, { b: 1 }, 2000))).toEqual([])
    expect(deadAfter(looks(0, 10_000, { b: 1 }, 2000))).toEqual(['b'])
  })

  it('starts anew when it was heard of once', () => {
    const start = [...looks(0, 5500, { b: 1 }), ...looks(6000, 11_500, { b: 2 })]
    expect(deadAfter(start)).toEqual([])
    expect(deadAfter([...start, [12_000, { b: 2 }]])).toEqual(['b'])
  })

  it('starts anew when Redis came back with an older heartbeat', () => {
    expect(deadAfter([...looks(0, 5500, { b: 2 }), ...looks(6000, 11_500, { b: 1 })])).toEqual([])
  })

  it('starts anew when we were away ourselves, or Redis was', () => {
    const away = [...looks(0, 5500, { b: 1 }), ...looks(7501, 13_001, { b: 1 })]
    expect(deadAfter(away)).toEqual([])
    expect(deadAfter([...away, [13_501, { b: 1 }]])).toEqual(['b'])
  })

  it('is measured from an answer to a question: what waited in between proves nothing', () => {
    const late = { heartbeats: new Map([['b', 1]]), askedAtMs: 5900, answeredAtMs: 7000 }
    const before = looks(0, 5500, { b: 1 }).reduce(
      (known, [atMs]) =>
        addLook(known, { heartbeats: new Map([['b', 1]]), askedAtMs: atMs, answeredAtMs: atMs }),
      NO_LOOKS,
    )
    expect(silentWorkers(addLook(before, late))).toEqual([])
  })

  it('is dead for itself: others are not', () => {
    const others = Array.from({ length: 13 }, (_, i): Seen => [i * 500, { b: 1, c: i }])
    expect(deadAfter(others)).toEqual(['b'])
  })

  it('is forgotten with its heartbeat', () => {
    expect(deadAfter([...looks(0, 6000, { b: 1 }), [6500, {}]])).toEqual([])
  })
})

it('finds a worker dead only at the end of six seconds and six looks without a gap or a beat', () => {
  const anyLooks = fc.array(fc.tuple(fc.integer({ min: 1, max: 2100 }), fc.integer({ min: 0, max: 19 })), {
    minLength: 1,
    maxLength: 40,
  })
  fc.assert(
    fc.property(anyLooks, (steps) => {
      let nowMs = 0
      let beats = 0
      let streak = { fromMs: 0, looks: 0 }
      const seen: Seen[] = []
      for (const [gapMs, luck] of steps) {
        nowMs += gapMs
        if (luck === 0) beats++
        if (luck === 0 || gapMs > 2000 || streak.looks === 0) streak = { fromMs: nowMs, looks: 0 }
        streak.looks++
        seen.push([nowMs, { b: beats }])
      }
      const dead = streak.looks >= 6 && nowMs - streak.fromMs >= 6000
      expect(deadAfter(seen)).toEqual(dead ? ['b'] : [])
    }),
  )
})
