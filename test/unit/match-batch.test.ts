import { describe, expect, it } from 'vitest'
import type { KnownBatch } from '../../src/batches/known-batches.js'
import { matchBatch } from '../../src/cli/batch/match-batch.js'

const known = [
  batch('b0000000000a1', 'nightly'),
  batch('b0000000000b2', 'b0000000000a1-copy'),
  batch('b11deadbeef00', 'nightly'),
  batch('b2f0000000000', 'b11'),
]

function batch(id: string, name: string | null): KnownBatch {
  return { manifest: { batch: id, name }, here: true } as unknown as KnownBatch
}

function ids(wanted: string): readonly string[] {
  const match = matchBatch(wanted, known)
  switch (match.kind) {
    case 'none':
      return []
    case 'one':
      return [match.batch.manifest.batch]
    case 'several':
      return match.batches.map(({ manifest }) => manifest.batch)
  }
}

describe('a word names', () => {
  it.each([
    ['a whole id', 'b0000000000a1', ['b0000000000a1']],
    ['the beginning of one id', 'b2f', ['b2f0000000000']],
    ['the beginning of two', 'b000', ['b0000000000a1', 'b0000000000b2']],
    ['a name before the beginning of an id', 'b11', ['b2f0000000000']],
    ['a name that two batches have', 'nightly', ['b0000000000a1', 'b11deadbeef00']],
    ['too short a beginning', 'b2', []],
    ['the middle of an id', 'dead', []],
    ['the beginning of a name', 'nigh', []],
  ])('%s', (_, wanted, expected) => {
    expect(ids(wanted)).toEqual(expected)
  })
})
