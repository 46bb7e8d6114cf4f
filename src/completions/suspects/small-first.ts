/**
 * While a suspicion is open, requests about as large as a suspect would only be suspected too: they make room, so that
 * a smaller one is the probe. Not for ever, and not all: there may be none.
 */
export interface SmallFirst {
  /** A request of this size was suspected. Gives the size from which others make room. */
  suspected(size: number): number
  /** For how long a request of this size is put off; null: it goes. */
  putOffMs(size: number): number | null
  /** It was found out. */
  over(): void
}

const PUT_OFF_MS = 1000
/** Of a suspect's size: less may be affordable. */
const SMALLER = 0.5
/** Without news for so long, nobody is put off any more. */
const OPEN_MS = 5000
const MOST_PUT_OFF = 500

/** @param nowMs a clock that nobody sets */
export function createSmallFirst(nowMs: () => number = () => performance.now()): SmallFirst {
  let from = Number.POSITIVE_INFINITY
  let until = 0
  let putOff = 0
  return {
    suspected(size) {
      if (nowMs() >= until) [from, putOff] = [Number.POSITIVE_INFINITY, 0]
      from = Math.min(from, SMALLER * size)
      until = nowMs() + OPEN_MS
      return from
    },
    putOffMs(size) {
      if (size < from || nowMs() >= until || putOff >= MOST_PUT_OFF) return null
      putOff++
      return PUT_OFF_MS
    },
    over() {
      until = 0
    },
  }
}
