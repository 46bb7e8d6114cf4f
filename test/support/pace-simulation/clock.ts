/** Time that passes only from one event to the next, in seconds. */
export interface VirtualClock {
  readonly now: number
  /** Calls `act` in so many seconds; what is due at the same time goes in the order in which it was asked for. */
  in(seconds: number, act: () => void): void
  /** Lets time pass until `isOver`, or until nothing is left to happen. */
  run(isOver: () => boolean): void
}

interface Event {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** A clock that shows `startAt` (Unix seconds) until it runs. */
export function createVirtualClock(startAt: number): VirtualClock {
  const events: Event[] = []
  let now = startAt
  let order = 0
  return {
    get now() {
      return now
    },
    in(seconds, act) {
      push(events, { at: now + Math.max(0, seconds), order: order++, act })
    },
    run(isOver) {
      while (!isOver()) {
        const event = pop(events)
        if (event === undefined) return
        now = event.at
        event.act()
      }
    },
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const isBefore = (one: Event, other: Event) =>
  one.at < other.at || (one.at === other.at && one.order < other.order)

/** A binary heap: no event is before the one at half its place. */
function push(heap: Event[], event: Event): void {
  let place = heap.length
  for (;;) {
    const above = (place - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || isBefore(parent, event)) break
    heap[place] = parent
    place = above
  }
  heap[place] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || last === first) return first
  let place = 0
  for (;;) {
    let below = 2 * place + 1
    let child = heap[below]
    const right = heap[below + 1]
    if (child !== undefined && right !== undefined && isBefore(right, child)) {
      child = right
      below++
    }
    if (child === undefined || isBefore(last, child)) break
    heap[place] = child
    place = below
  }
  heap[place] = last
  return first
}
