import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { oneLine } from '../../src/conduit/text.js'

describe('text from outside, on one line', () => {
  it("has no half pairs: Redis's JSON refuses them, and with them the hold they stand in", () => {
    expect(oneLine('out of credits \ud800', 100)).toBe('out of credits \ufffd')
  })

  it('is well formed, one line, and no longer than asked for, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 60 }), (text, max) => {
        const line = oneLine(text, max)
        expect(line.isWellFormed()).toBe(true)
        expect(line).not.toMatch(/\p{Cc}/u)
        expect(line.length).toBeLessThanOrEqual(max)
      }),
    )
  })
})
