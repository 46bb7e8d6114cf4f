import type { Lease } from './lease.js'

/** Permits whose time has not come yet. Whom one is for is known only then: somebody more urgent may come. */
export interface Schedule {
  /** Calls `go` in so many ms, unless it is taken back before. */
  add(lease: Lease, inMs: number, go: () => void): void
  /** Takes back those of leases that are void, and gives these. */
  takeBack(isVoid: (lease: Lease) => boolean): Lease[]
  readonly size: number
}

/** A permit that comes later than this is void: this process stood still, and its share of the pace went by. */
const TOO_LATE_MS = 1000

/** @param onLate called when the time of permits has long gone by: none of those that were left was used */
export function createSchedule(onLate: () => void): Schedule {
  const timers = new Map<NodeJS.Timeout, Lease>()
  return {
    add(lease, inMs, go) {
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
      timers.set(timer, lease)
    },
    takeBack(isVoid) {
      const back = [...timers].filter(([, lease]) => isVoid(lease))
      for (const [timer] of back) {
        clearTimeout(timer)
        timers.delete(timer)
      }
      return back.map(([, lease]) => lease)
    },
    get size() {
      return timers.size
    },
  }
}
