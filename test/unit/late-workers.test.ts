import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addLook, longLate, NO_LOOKS } from '../../src/completions/late-workers.js'

type Look = readonly [atMs: number, ...late: string[]]

/** Who is dead after these looks. */
function deadAfter(looks: readonly Look[]): string[] {
  return longLate(looks.reduce((before, [atMs, ...late]) => addLook(before, late, atMs), NO_LOOKS))
}

/** Looks twice a second from one moment to another, both included. */
function looks(fromMs: number, toMs: number, ...late: string[]): Look[] {
  return Array.from({ length: (toMs - fromMs) / 500 + 1 }, (_, i) => [fromMs + i * 500, ...late])
}

describe('a worker that is late', () => {
  it('is dead after twelve seconds in which every look found it late', () => {
    expect(deadAfter(looks(0, 11_500, 'b'))).toEqual([])
    expect(deadAfter(looks(0, 12_000, 'b'))).toEqual(['b'])
  })

  it('is not dead for having been late three times', () => {
    expect(deadAfter(looks(0, 1000, 'b'))).toEqual([])
  })

  it('starts anew when it was heard of once', () => {
    const start = [...looks(0, 11_500, 'b'), ...looks(12_000, 12_000), ...looks(12_500, 24_000, 'b')]
    expect(deadAfter(start)).toEqual([])
    expect(deadAfter([...start, [24_500, 'b']])).toEqual(['b'])
  })

  it('starts anew when we were away ourselves', () => {
    const away = [...looks(0, 11_500, 'b'), ...looks(13_501, 25_001, 'b')]
    expect(deadAfter(away)).toEqual([])
    expect(deadAfter([...away, [25_501, 'b']])).toEqual(['b'])
  })

  it('goes on when a look came two seconds after the one before', () => {
    expect(deadAfter([...looks(0, 10_000, 'b'), [12_000, 'b']])).toEqual(['b'])
  })

  it('is dead for itself: others are not', () => {
    expect(deadAfter([...looks(0, 5000, 'b'), ...looks(5500, 12_000, 'b', 'c')])).toEqual(['b'])
  })

  it('is forgotten with its heartbeat', () => {
    expect(deadAfter([...looks(0, 12_000, 'b'), [12_500]])).toEqual([])
  })
})

it('finds a worker dead only at the end of twelve seconds of looks without a gap that all found it late', () => {
  const anyLooks = fc.array(fc.tuple(fc.integer({ min: 1, max: 2100 }), fc.integer({ min: 0, max: 19 })), {
    minLength: 1,
    maxLength: 40,
  })
  fc.assert(
    fc.property(anyLooks, (steps) => {
      let nowMs = 0
      let streakFromMs: number | null = null
      const seen: Look[] = []
      for (const [gapMs, luck] of steps) {
        nowMs += gapMs
        const late = luck > 0
        if (!late) streakFromMs = null
        else if (streakFromMs === null || gapMs > 2000) streakFromMs = nowMs
        seen.push(late ? [nowMs, 'b'] : [nowMs])
      }
      const dead = streakFromMs !== null && nowMs - streakFromMs >= 12_000
      expect(deadAfter(seen)).toEqual(dead ? ['b'] : [])
    }),
  )
})
