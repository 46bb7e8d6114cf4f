import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { RequestPlace } from '../completions/request.js'

/**
 * Lines of a batch's files whose entries may still be in its stream. After a recovery that was interrupted these may be
 * all lines of a batch: a bit for each that was never retried, and more only for the others and for dead letters.
 */
export interface KnownLines {
  readonly size: number
  /** @param letter the dead letter that the line tells of, for the case that its entry is gone */
  add(place: Pick<RequestPlace, 'index' | 'generation'>, letter: DeadLetter | null): void
  /** @param key `<index>.<generation>`, as an entry has it */
  has(key: string): boolean
  delete(key: string): void
  letters(): readonly DeadLetter[]
  clear(): void
}

const FIRST_BYTES = 1024

export function createKnownLines(): KnownLines {
  let bits = new Uint8Array(FIRST_BYTES)
  let set = 0
  const retried = new Set<string>()
  const letters = new Map<string, DeadLetter>()

  const placeOf = (key: string) => {
    const [index = 0, generation = 0] = key.split('.').map(Number)
    return { index, generation }
  }
  const isSet = (index: number) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0

  function flip(index: number): void {
    if (index >> 3 >= bits.length) {
      const larger = new Uint8Array(Math.max(bits.length * 2, (index >> 3) + 1))
      larger.set(bits)
      bits = larger
    }
    bits[index >> 3] = (bits[index >> 3] ?? 0) ^ (1 << (index & 7))
    set += isSet(index) ? 1 : -1
  }

  return {
    get size() {
      return set + retried.size
    },
    add({ index, generation }, letter) {
      const key = `${index}.${generation}`
      if (generation > 0) retried.add(key)
      else if (!isSet(index)) flip(index)
      if (letter !== null) letters.set(key, letter)
    },
    has(key) {
      const { index, generation } = placeOf(key)
      return generation > 0 ? retried.has(key) : isSet(index)
    },
    delete(key) {
      const { index, generation } = placeOf(key)
      if (generation > 0) retried.delete(key)
      else if (isSet(index)) flip(index)
      letters.delete(key)
    },
    letters: () => [...letters.values()],
    clear() {
      bits = new Uint8Array(FIRST_BYTES)
      set = 0
      retried.clear()
      letters.clear()
    },
  }
}
