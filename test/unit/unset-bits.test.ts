import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unsetBits } from '../../src/batches/reconciler.js'

/** A bitmap as SETBIT makes it: bit 0 is the highest of byte 0, and it ends with the last byte that was set. */
function bitmapOf(done: Iterable<number>): Uint8Array {
  const bytes: number[] = []
  for (const index of done) {
    while (bytes.length <= index >> 3) bytes.push(0)
    bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (0x80 >> (index & 7))
  }
  return Uint8Array.from(bytes)
}

const upTo = (fed: number) => Array.from({ length: fed }, (_, index) => index)

it('gives, in order, exactly the indexes below `fed` that are not done', () => {
  const dense = fc
    .array(fc.boolean(), { maxLength: 200 })
    .map((bits) => upTo(bits.length).filter((i) => bits[i]))
  const sparse = fc.array(fc.nat({ max: 300 }), { maxLength: 5 })
  const nearlyAll = fc.tuple(fc.nat({ max: 300 }), fc.array(fc.nat({ max: 300 }), { maxLength: 4 }))
  const done = fc.oneof(
    dense,
    sparse,
    nearlyAll.map(([count, missing]) => upTo(count).filter((index) => !missing.includes(index))),
  )
  fc.assert(
    fc.property(done, fc.nat({ max: 320 }), (indexes, fed) => {
      const set = new Set(indexes)
      expect([...unsetBits(bitmapOf(set), fed)]).toEqual(upTo(fed).filter((index) => !set.has(index)))
    }),
    { numRuns: 500 },
  )
})

it('gives every index when nothing is done yet', () => {
  expect([...unsetBits(new Uint8Array(), 20)]).toEqual(upTo(20))
})

it('gives none when all is done, also when the last byte is not full', () => {
  expect([...unsetBits(bitmapOf(upTo(1003)), 1003)]).toEqual([])
})

it('looks at no request that was not fed', () => {
  expect([...unsetBits(bitmapOf([0, 9]), 9)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})
