import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestCustomId, ID_WORDS } from '../../src/batches/input/custom-id-digest.js'
import { createCustomIds } from '../../src/batches/input/custom-ids.js'
import { findRepeated } from '../../src/batches/input/find-repeated.js'
import { createIdSpill } from '../../src/batches/input/id-spill.js'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ids-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

type Pair = [line: number, firstLine: number]

/** The truth: what a Map of all ids says. */
function repeatedOf(keys: readonly string[]): Pair[] {
  const first = new Map<string, number>()
  return keys.flatMap((key, at): Pair[] => {
    const firstLine = first.get(key)
    if (firstLine !== undefined) return [[at + 1, firstLine]]
    first.set(key, at + 1)
    return []
  })
}

/** Of ids on lines 1, 2, …, given in blocks of some size; `kept` of them in memory. */
async function found(ids: readonly string[], kept: number, block = 7): Promise<Pair[]> {
  const customIds = createCustomIds(directory, kept)
  for (let from = 0; from < ids.length; from += block) {
    const some = ids.slice(from, from + block)
    await customIds.room(some.length)
    for (const [at, id] of some.entries()) customIds.add(id, from + at + 1)
  }
  const repeated = await customIds.repeated()
  await customIds.close()
  return Array.from({ length: repeated.count }, (_, at) => [repeated.line(at), repeated.firstLine(at)])
}

describe('custom ids', () => {
  it.each([
    ['in memory', 10_000],
    ['put aside', 1],
    ['put aside in pieces', 50],
  ])('that were used before are found, as a Map finds them: %s', async (_name, kept) => {
    const ids = fc.array(fc.string({ maxLength: 2, unit: 'binary' }), { maxLength: 600, size: 'max' })
    await fc.assert(
      fc.asyncProperty(ids, fc.integer({ min: 1, max: 100 }), async (some, block) => {
        expect(await found(some, kept, block)).toEqual(repeatedOf(some))
      }),
      { numRuns: 40 },
    )
  })

  it('that all differ are all told apart, however many were put aside', async () => {
    const ids = Array.from({ length: 100_000 }, (_, n) => `request-${n}`)
    expect(await found(ids, 9000, 4096)).toEqual([])
    expect(await found([...ids, 'request-77'], 9000, 4096)).toEqual([[100_001, 78]])
  })

  it('leave no file behind, not even while they are compared', async () => {
    const ids = createCustomIds(directory, 1)
    for (let line = 1; line < 9; line += 1) {
      await ids.room(1)
      ids.add('same', line)
    }
    expect((await ids.repeated()).count).toBe(7)
    expect(await readdir(directory)).toEqual([])
    await ids.close()
  })

  it('may stand on lines up to 2^32 - 1, and are found by line', async () => {
    const ids = createCustomIds(directory)
    await ids.room(3)
    for (const line of [1, 4_294_967_294, 4_294_967_295]) ids.add('late', line)
    const repeated = await ids.repeated()
    expect([repeated.line(1), repeated.firstLine(1)]).toEqual([4_294_967_295, 1])
    expect([1, 2, 4_294_967_294, 4_294_967_295].map(repeated.from)).toEqual([0, 0, 0, 1])
    expect(repeated.from(4_294_967_296)).toBe(2)
  })
})

describe('records of ids', () => {
  /** Few values for each word: most records meet in one slot and one part, and differ in a single word. */
  const word = fc.constantFrom(0, 1, 256, 0x01000000, 0xffffffff)
  const digests = fc.array(fc.tuple(word, word, word), { maxLength: 300, size: 'max' })
  const recordsOf = (some: ReadonlyArray<readonly number[]>) =>
    Uint32Array.from(some.flatMap((words, at) => [...words, at + 1]))

  it('are the same when all of their digest is, whatever collides', () => {
    fc.assert(
      fc.property(digests, (some) => {
        const pairs: Pair[] = []
        findRepeated(recordsOf(some), some.length, (line, first) => pairs.push([line, first]))
        expect(pairs).toEqual(repeatedOf(some.map((words) => words.join())))
      }),
      { numRuns: 100 },
    )
  })

  it('come back from where they were put, equal ones in one part and in their order', async () => {
    const puts = fc.array(digests, { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(puts, async (some) => {
        const spill = await createIdSpill(directory)
        for (const put of some) await spill.put(recordsOf(put), put.length)
        const back: string[] = []
        for await (const part of spill.parts()) {
          const begin = (part[0] ?? 0) >>> 24
          for (let at = 0; at < part.length; at += ID_WORDS) {
            expect((part[at] as number) >>> 24).toBe(begin)
            back.push(part.subarray(at, at + ID_WORDS).join())
          }
        }
        await spill.close()
        const sent = some.flatMap((put) => put.map((words, at) => [...words, at + 1]))
        const parts = sent.sort((one, other) => ((one[0] as number) >>> 24) - ((other[0] as number) >>> 24))
        expect(back).toEqual(parts.map((words) => words.join()))
      }),
      { numRuns: 30 },
    )
  })
})

describe('the digest of an id', () => {
  const digestOf = (id: string) => {
    const words = new Uint32Array(4)
    digestCustomId(id, words, 0)
    return [...words.subarray(0, 3)]
  }

  it('spreads ids that differ in one character over all bits', () => {
    const counts = new Array<number>(96).fill(0)
    for (let n = 0; n < 4000; n += 1) {
      const [one, other] = [digestOf(`request-${n}a`), digestOf(`request-${n}b`)]
      for (let bit = 0; bit < 96; bit += 1) {
        const word = bit >> 5
        const differs = (((one[word] as number) ^ (other[word] as number)) >>> (bit & 31)) & 1
        counts[bit] = (counts[bit] as number) + differs
      }
    }
    for (const count of counts)
      expect(count / 4000).toSatisfy((share: number) => share > 0.45 && share < 0.55)
  })
})
