/** Who waits, by lane: lanes take turns, and within a lane whoever came first is next. */
export interface FairQueue<T> {
  push(lane: string, item: T): void
  /** Takes the next one out. */
  shift(): T | undefined
  /** Takes the least one out, whoever came first and whatever its lane. */
  shiftLeast(measure: (item: T) => number): T | undefined
  /** Takes all out, or those that are meant. */
  takeAll(isMeant?: (item: T) => boolean): T[]
  readonly size: number
}

/**
 * Round-robin over the lanes that wait. One that had nobody waiting is the next, or the one after: newcomers and the
 * others alternate, so that no stream of newcomers keeps the others waiting. How often each lane comes at all is not
 * decided here: shares are made where the work is handed out (completions/turns/).
 */
export function createFairQueue<T>(): FairQueue<T> {
  const items = new Map<string, T[]>()
  const newcomers: string[] = []
  const round: string[] = []
  let newcomerWasLast = false
  let size = 0

  function nextLane(): string | undefined {
    const isNewcomer = newcomers.length > 0 && (round.length === 0 || !newcomerWasLast)
    newcomerWasLast = isNewcomer
    return isNewcomer ? newcomers.shift() : round.shift()
  }

  function shift(): T | undefined {
    const lane = nextLane()
    if (lane === undefined) return undefined
    const waiting = items.get(lane) ?? []
    const item = waiting.shift()
    if (waiting.length > 0) round.push(lane)
    else items.delete(lane)
    size--
    return item
  }

  function drop(lane: string): void {
    items.delete(lane)
    for (const order of [newcomers, round]) {
      const at = order.indexOf(lane)
      if (at >= 0) order.splice(at, 1)
    }
  }

  return {
    push(lane, item) {
      size++
      const waiting = items.get(lane)
      if (waiting !== undefined) {
        waiting.push(item)
        return
      }
      items.set(lane, [item])
      newcomers.push(lane)
    },
    shift,
    shiftLeast(measure) {
      const [least] = [...items]
        .flatMap(([lane, waiting]) => waiting.map((item) => ({ lane, item, measure: measure(item) })))
        .sort((one, other) => one.measure - other.measure)
      if (least === undefined) return undefined
      const waiting = items.get(least.lane) ?? []
      waiting.splice(waiting.indexOf(least.item), 1)
      if (waiting.length === 0) drop(least.lane)
      size--
      return least.item
    },
    takeAll(isMeant = () => true) {
      const all = [...items]
      return all.flatMap(([lane, waiting]) => {
        const taken = waiting.filter(isMeant)
        const left = waiting.filter((item) => !isMeant(item))
        size -= taken.length
        if (left.length === 0) drop(lane)
        else items.set(lane, left)
        return taken
      })
    },
    get size() {
      return size
    },
  }
}
