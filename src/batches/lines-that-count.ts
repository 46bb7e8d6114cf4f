import type { RequestPlace } from '../completions/request.js'

/** What is known of the requests of a batch, by index. */
export interface Ends {
  /** Has it an answer? */
  readonly isAnswered: (index: number) => boolean
  /** How often it was retried from the dead letters; 0 for one that never was. */
  readonly generationOf: (index: number) => number
}

/**
 * Whether a line of the errors file still says how its request ended. While a retry runs, the file holds lines of
 * requests that were opened again: those of an older generation, and those that have their answer by now.
 */
export function countsAsFailure({ index, generation }: RequestPlace, ends: Ends): boolean {
  return generation >= ends.generationOf(index) && !ends.isAnswered(index)
}

/** A set of indexes below `total`, one bit each. */
export function createIndexSet(total: number): { add(index: number): void; has(index: number): boolean } {
  const bits = new Uint8Array(Math.ceil(total / 8))
  return {
    add(index) {
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
    },
    has: (index) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0,
  }
}
