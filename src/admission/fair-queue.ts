/** Who waits, by lane: lanes take turns, and within a lane whoever came first is next. */
export interface FairQueue<T> {
  push(lane: string, item: T): void
  /** Takes the next one out. */
  shift(): T | undefined
  /** Takes all out. */
  takeAll(): T[]
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
    takeAll() {
      const all = [...items.values()].flat()
      items.clear()
      newcomers.length = 0
      round.length = 0
      size = 0
      return all
    },
    get size() {
      return size
    },
  }
}
