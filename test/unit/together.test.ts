import { expect, it } from 'vitest'
import { together } from '../../src/completions/together.js'

/** Items by group, as they were sent; each is answered with itself. */
function sending(lengthOf?: (item: string) => number) {
  const trips: string[][] = []
  const send = async (_: string, items: readonly string[]) => {
    trips.push([...items])
    if (items.includes('a-bad')) throw new Error('no')
    return items
  }
  return { trips, ask: together((item: string) => item[0] ?? '', send, lengthOf) }
}

it('callers of one turn share a trip with their group, and each hears its own answer', async () => {
  const { trips, ask } = sending()
  expect(await Promise.all(['a1', 'b1', 'a2'].map(ask))).toEqual(['a1', 'b1', 'a2'])
  expect(trips).toEqual([['a1', 'a2'], ['b1']])
  expect(await ask('a3')).toBe('a3')
  expect(trips.at(-1)).toEqual(['a3'])
})

it('a trip carries 50 at most, and what is long ends it', async () => {
  const { trips, ask } = sending((item) => (item === 'a-long' ? 2_000_000 : 0))
  await Promise.all([...Array.from({ length: 70 }, (_, n) => ask(`a${n}`)), ask('a-long'), ask('a-last')])
  expect(trips.map((items) => items.length)).toEqual([50, 21, 1])
})

it('a trip that fails fails for whoever shared it, and for nobody else', async () => {
  const { ask } = sending()
  const ends = await Promise.allSettled(['a1', 'a-bad', 'b1'].map(ask))
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
})
