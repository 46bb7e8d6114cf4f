import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createKnownLines } from '../../src/batches/known-lines.js'

const place = fc.record({ index: fc.nat(20_000), generation: fc.nat(2) })

it('knows what was added and not taken away since, each once', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ place, adds: fc.boolean() }), { maxLength: 60 }), (steps) => {
      const known = createKnownLines()
      const model = new Set<string>()
      for (const { place: at, adds } of steps) {
        const key = `${at.index}.${at.generation}`
        if (adds) known.add(at, null)
        else known.delete(key)
        if (adds) model.add(key)
        else model.delete(key)
        expect(known.has(key)).toBe(adds)
        expect(known.size).toBe(model.size)
      }
      for (const key of model) expect(known.has(key)).toBe(true)
      known.clear()
      expect(known.size).toBe(0)
    }),
  )
})
