import { EXIT } from '../exit.js'

/** Ctrl-C, SIGTERM and a closed terminal, counted. */
export interface Interruptions {
  readonly count: number
  /** Resolves after this long, or at once when a signal comes. */
  orAfter(ms: number): Promise<void>
  /** Called at the next signal. */
  onAnother(listener: () => void): void
  close(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** After the second signal there is this long to give jobs back; then the process leaves whatever happens. */
const LEAVE_MS = 1500

/** Listens until closed. The first signal asks; the second leaves at once. */
export function listenForInterruptions(): Interruptions {
  let count = 0
  let wake = (): void => {}
  let another = (): void => {}
  const onSignal = () => {
    count++
    wake()
    if (count === 1) return
    if (count > 2) process.exit(EXIT.interrupted)
    another()
    setTimeout(() => process.exit(EXIT.interrupted), LEAVE_MS).unref()
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    get count() {
      return count
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
