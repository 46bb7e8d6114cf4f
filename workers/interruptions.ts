/** Exit code of a process that was told to stop and did not come to its end. */
export const INTERRUPTED = 130

/** Ctrl-C, SIGTERM and a closed terminal, counted. Where there is no terminal SIGHUP asks to read the settings again. */
export interface Interruptions {
  readonly count: number
  /** Aborts at the first signal: come to an end in order. */
  readonly first: AbortSignal
  /** Aborts at the second: leave at once. */
  readonly second: AbortSignal
  /** From now on the first signal is the caller's: it looks at `count` or `first`, and `orAfter` wakes it. */
  takeOver(): void
  /** Names who is to be called at a SIGHUP that no closed terminal has sent. */
  onReload(listener: () => void): void
  /** Resolves after this long, or at once when a signal comes. */
  orAfter(ms: number): Promise<void>
  close(): void
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** After the second signal there is this long to give jobs back; then the process leaves whatever happens. */
const LEAVE_MS = 1500

/**
 * Listens until closed. The first signal asks, the second leaves at once.
 * @param leaveEarly what the first signal does before somebody takes over
 */
export function listenForInterruptions(leaveEarly: () => Promise<void>): Interruptions {
  const first = new AbortController()
  const second = new AbortController()
  let count = 0
  let taken = false
  let wake = (): void => {}
  const onSignal = () => {
    count++
    wake()
    first.abort()
    if (count > 2) process.exit(INTERRUPTED)
    if (count === 2) second.abort()
    if (count === 2 || !taken) setTimeout(() => process.exit(INTERRUPTED), LEAVE_MS).unref()
    if (count === 1 && !taken) void leaveEarly()
  }
  const reloads = new Set<() => void>()
  const onHangup = () => {
    if (hasTerminal()) onSignal()
    else for (const reload of reloads) reload()
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('SIGHUP', onHangup)
  return {
    get count() {
      return count
    },
    first: first.signal,
    second: second.signal,
    takeOver() {
      taken = true
    },
    onReload(listener) {
      reloads.add(listener)
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
    close() {
      for (const signal of SIGNALS) process.off(signal, onSignal)
      process.off('SIGHUP', onHangup)
    },
  }
}

function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
}
