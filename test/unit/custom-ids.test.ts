import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCustomIdIndex } from '../../src/batches/input/custom-ids.js'

describe('the custom_id index', () => {
  it('gives the line of the first use, like a Map would', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3000, size: 'max' }), (ids) => {
        const index = createCustomIdIndex()
        const first = new Map<string, number>()
        for (const [at, id] of ids.entries()) {
          expect(index.add(id, at + 1)).toBe(first.get(id) ?? null)
          if (!first.has(id)) first.set(id, at + 1)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('holds a quarter of a million ids in at most 10 MB and knows each of them', () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    collectGarbage()
    const before = process.memoryUsage()
    const index = createCustomIdIndex()
    let seen = 0
    for (let n = 1; n <= 250_000; n += 1) if (index.add(`request-${n}`, n) !== null) seen += 1
    collectGarbage()
    const after = process.memoryUsage()
    expect(seen).toBe(0)
    expect(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(10e6)
    for (let n = 1; n <= 250_000; n += 997) expect(index.add(`request-${n}`, 5)).toBe(n)
  }, 60_000)

  it('knows lines up to 2^32 - 1', () => {
    const index = createCustomIdIndex()
    index.add('late', 4_294_967_295)
    expect(index.add('late', 1)).toBe(4_294_967_295)
  })
})
