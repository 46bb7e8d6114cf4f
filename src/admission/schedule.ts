import type { Lease } from './lease.js'
import type { Waiter } from './permits.js'

interface Scheduled {
  readonly lease: Lease
  readonly waiter: Waiter
}

/** Permits whose time has not come yet, each with the caller it is for. */
export interface Schedule {
  /** Calls `go` in so many ms, unless it is taken back before. */
  add(lease: Lease, waiter: Waiter, inMs: number, go: () => void): void
  /** Takes back those of pace epochs up to this one, in the order in which they were added. */
  takeBack(upToEpoch: number): Scheduled[]
  readonly size: number
}

/** A permit that comes later than this is void: this process stood still, and its share of the pace went by. */
const TOO_LATE_MS = 1000

/** @param onLate called when the time of permits has long gone by: none of those that were left was used */
export function createSchedule(onLate: () => void): Schedule {
  const timers = new Map<NodeJS.Timeout, Scheduled>()
  return {
    add(lease, waiter, inMs, go) {
      if (inMs < 1) {
        go()
        return
      }
      const dueAt = performance.now() + inMs
      const timer = setTimeout(() => {
        if (performance.now() - dueAt > TOO_LATE_MS) return onLate()
        timers.delete(timer)
        go()
      }, inMs)
      timers.set(timer, { lease, waiter })
    },
    takeBack(upToEpoch) {
      const back = [...timers].filter(([, { lease }]) => lease.paceEpoch <= upToEpoch)
      for (const [timer] of back) {
        clearTimeout(timer)
        timers.delete(timer)
      }
      return back.map(([, scheduled]) => scheduled)
    },
    get size() {
      return timers.size
    },
  }
}
