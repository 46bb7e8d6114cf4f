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
  /** Takes all of them back, in the order of their times. */
  takeAll(): Scheduled[]
  /** Whether there are permits of an earlier pace epoch. */
  isOlderThan(paceEpoch: number): boolean
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
    takeAll() {
      const all = [...timers.values()]
      for (const timer of timers.keys()) clearTimeout(timer)
      timers.clear()
      return all
    },
    isOlderThan(paceEpoch) {
      for (const { lease } of timers.values()) if (lease.paceEpoch < paceEpoch) return true
      return false
    },
    get size() {
      return timers.size
    },
  }
}
