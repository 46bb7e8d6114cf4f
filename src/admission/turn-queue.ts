/** Who waits: the lowest turn first, first come first served within a turn. */
export interface TurnQueue<T> {
  push(turn: number, item: T): void
  /** Takes the next one out. */
  shift(): T | undefined
  /** Takes all out, in their order. */
  takeAll(): T[]
  readonly size: number
}

/** A few thousand at most, which mostly come in order: an array is enough. */
export function createTurnQueue<T>(): TurnQueue<T> {
  let items: { readonly turn: number; readonly item: T }[] = []

  /** Behind everyone whose turn is not later. */
  function placeOf(turn: number): number {
    let low = 0
    let high = items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((items[middle]?.turn ?? 0) <= turn) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    push(turn, item) {
      items.splice(placeOf(turn), 0, { turn, item })
    },
    shift: () => items.shift()?.item,
    takeAll() {
      const all = items.map(({ item }) => item)
      items = []
      return all
    },
    get size() {
      return items.length
    },
  }
}
