import type { Lease } from './lease.js'

/** Permits whose time has not come yet. Whom one is for is known only then: somebody more urgent may come. */
export interface Schedule {
  /** Calls `go` in so many ms, unless it is taken back before. */
  add(lease: Lease, inMs: number, go: () => void): void
  /** Takes back those of pace epochs up to this one, and gives their leases. */
  takeBack(upToEpoch: number): Lease[]
  readonly size: number
}

export function createSchedule(): Schedule {
  const timers = new Map<NodeJS.Timeout, Lease>()
  return {
    add(lease, inMs, go) {
      if (inMs < 1) {
        go()
        return
      }
      const timer = setTimeout(() => {
        timers.delete(timer)
        go()
      }, inMs)
      timers.set(timer, lease)
    },
    takeBack(upToEpoch) {
      const back = [...timers].filter(([, lease]) => lease.paceEpoch <= upToEpoch)
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
