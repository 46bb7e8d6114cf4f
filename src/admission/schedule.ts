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

export function createSchedule(): Schedule {
  const timers = new Map<NodeJS.Timeout, Scheduled>()
  return {
    add(lease, waiter, inMs, go) {
      if (inMs < 1) {
        go()
        return
      }
      const timer = setTimeout(() => {
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
