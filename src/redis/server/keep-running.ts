import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Between two attempts, so that a server that dies at once is not started in a loop. */
const RESTART_INTERVAL_MS = 1_000

export interface KeepRunningOptions {
  readonly socketPath: string
  /** Sees to it that a server runs; called when the connection to it broke. */
  readonly restart: () => Promise<void>
  readonly onError: (error: unknown) => void
}

/**
 * Holds an idle connection to a server and calls `restart` when it breaks, again and again, until the returned
 * function is called. It keeps no process from ending.
 */
export function keepRunning({ socketPath, restart, onError }: KeepRunningOptions): () => void {
  let stopped = false
  let letGo = (): void => undefined
  let restartedAtMs = 0

  const hold = (): void => {
    const socket = connect(socketPath).unref()
    // Every error is followed by `close`, which is what counts.
    socket.on('error', () => undefined)
    const onClose = (): void => void bringBack()
    socket.once('close', onClose)
    letGo = () => {
      socket.off('close', onClose)
      socket.destroy()
    }
  }
  const bringBack = async (): Promise<void> => {
    await delay(Math.max(0, restartedAtMs + RESTART_INTERVAL_MS - Date.now()), undefined, { ref: false })
    restartedAtMs = Date.now()
    try {
      if (!stopped) await restart()
      if (!stopped) hold()
    } catch (error) {
      onError(error)
      if (!stopped) await bringBack()
    }
  }
  hold()
  return () => {
    stopped = true
    letGo()
  }
}
