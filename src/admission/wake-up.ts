/** One timer that wakes for whoever asked for the earliest time. */
export interface WakeUp {
  /** Wakes in so many ms at the latest; while awake, right after `done`. */
  in(ms: number): void
  /** Not within the next so many ms, whoever asks. */
  notBefore(ms: number): void
  /** What it woke for is over. */
  done(): void
  /** Forgets what was asked for so far. */
  cancel(): void
}

/** @param wake called for each wake-up; none follows before `done` */
export function createWakeUp(wake: () => void): WakeUp {
  let timer: NodeJS.Timeout | null = null
  let due = Number.POSITIVE_INFINITY
  let earliest = 0
  let isAwake = false

  function set(at: number): void {
    if (at >= due) return
    due = at
    if (isAwake) return
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(rise, Math.max(0, at - performance.now()))
  }

  function rise(): void {
    timer = null
    due = Number.POSITIVE_INFINITY
    isAwake = true
    wake()
  }

  return {
    in: (ms) => set(Math.max(earliest, performance.now() + ms)),
    notBefore(ms) {
      earliest = performance.now() + ms
    },
    done() {
      isAwake = false
      const at = due
      due = Number.POSITIVE_INFINITY
      if (at < Number.POSITIVE_INFINITY) set(Math.max(earliest, at))
    },
    cancel() {
      if (timer !== null) clearTimeout(timer)
      timer = null
      due = Number.POSITIVE_INFINITY
    },
  }
}
