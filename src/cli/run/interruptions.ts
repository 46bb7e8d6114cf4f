import { EXIT } from '../exit.js'

/** Ctrl-C, SIGTERM and a closed terminal, counted. */
export interface Interruptions {
  readonly count: number
  /** From now on the first signal is the caller's: it looks at `count`, and `orAfter` wakes it. */
  takeOver(): void
  /** Resolves after this long, or at once when a signal comes. */
  orAfter(ms: number): Promise<void>
  /** Called at the next signal. */
  onAnother(listener: () => void): void
  close(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** After the second signal there is this long to give jobs back; then the process leaves whatever happens. */
const LEAVE_MS = 1500

/**
 * Listens until closed. The first signal asks, the second leaves at once.
 * @param leaveEarly what the first signal does before somebody takes over
 */
export function listenForInterruptions(leaveEarly: () => Promise<void>): Interruptions {
  let count = 0
  let taken = false
  let wake = (): void => {}
  let another = (): void => {}
  const onSignal = () => {
    count++
    wake()
    if (count > 2) process.exit(EXIT.interrupted)
    if (count === 2) another()
    if (count === 2 || !taken) setTimeout(() => process.exit(EXIT.interrupted), LEAVE_MS).unref()
    if (count === 1 && !taken) void leaveEarly()
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    get count() {
      return count
    },
    takeOver() {
      taken = true
    },
    orAfter(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
    onAnother(listener) {
      another = listener
    },
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    },
  }
}
