import { describe, expect, it } from 'vitest'
import { countsAsFailure, createIndexSet } from '../../src/batches/lines-that-count.js'

const place = (index: number, generation: number) => ({ batch: 'b000000000001', index, generation })

function ends(answered: readonly number[], generations: Readonly<Record<number, number>>) {
  const set = createIndexSet(20)
  for (const index of answered) set.add(index)
  return { isAnswered: set.has, generationOf: (index: number) => generations[index] ?? 0 }
}

describe('countsAsFailure', () => {
  it.each([
    ['a request that was never retried', place(3, 0), [], {}, true],
    ['the line before a retry that has not ended', place(3, 0), [], { 3: 1 }, false],
    ['the line of the last retry', place(3, 2), [], { 3: 2 }, true],
    ['the line before a retry that was answered', place(3, 0), [3], { 3: 1 }, false],
    ['an answered request whose generation Redis has forgotten', place(3, 0), [3], {}, false],
    ['a retried request whose generation Redis has forgotten', place(3, 1), [], {}, true],
    ['a request beside one that was answered', place(4, 0), [3, 5], { 3: 1 }, true],
  ])('%s', (_, where, answered, generations, counts) => {
    expect(countsAsFailure(where, ends(answered, generations))).toBe(counts)
  })
})

describe('createIndexSet', () => {
  it('holds what was added and nothing else, up to its last index', () => {
    const set = createIndexSet(17)
    for (const index of [0, 7, 8, 16]) set.add(index)
    const held = Array.from({ length: 17 }, (_, index) => index).filter(set.has)
    expect(held).toEqual([0, 7, 8, 16])
  })
})
