import type { ChunkReader } from './input/chunks.js'

/** What the latest requests that were fed of a batch weigh. */
export interface FedWeight {
  /** So many more were fed, of so many bytes. */
  add(count: number, bytes: number): void
  /**
   * Bytes of the latest so many that were fed: about what is open, since most are answered in the order in which they
   * were fed. What another process fed is taken for as heavy as its chunk is on average.
   * @param fed how many were fed in all
   */
  ofLatest(count: number, fed: number): Promise<number>
}

interface Portion {
  readonly count: number
  readonly bytes: number
}

export function createFedWeight(chunks: Pick<ChunkReader, 'sizeAt'>): FedWeight {
  /** The latest last. */
  let portions: Portion[] = []
  let known = 0

  async function guessed(count: number, fed: number): Promise<number> {
    const size = await chunks.sizeAt(Math.max(0, fed - known - 1))
    const bytes = size === null ? 0 : (count * size.bytes) / size.count
    portions = [{ count, bytes }, ...portions]
    known += count
    return bytes
  }

  return {
    add(count, bytes) {
      portions.push({ count, bytes })
      known += count
    },
    async ofLatest(count, fed) {
      let [left, bytes, at] = [count, 0, portions.length]
      while (left > 0 && at > 0) {
        const portion = portions[--at] as Portion
        bytes += portion.bytes * Math.min(1, left / portion.count)
        left -= portion.count
      }
      if (left > 0) return bytes + (await guessed(left, fed))
      // What is older is over.
      known -= portions.splice(0, at).reduce((sum, portion) => sum + portion.count, 0)
      return bytes
    },
  }
}
