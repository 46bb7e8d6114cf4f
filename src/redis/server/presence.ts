import { lutimes } from 'node:fs/promises'
import { isAlive, isSameHost, type ProcessIdentity } from '../../process-identity.js'

const TOUCH_INTERVAL_MS = 5_000
/** Twelve touches missed. */
const FOREIGN_SILENCE_MS = 60_000

/**
 * Whether the owner of a lock or client file is gone. Here the process table knows. A process in another container
 * can't be looked up, so it counts as gone once it has stopped touching its file.
 */
export function isGone(owner: ProcessIdentity, touchedAtMs: number): boolean {
  return isSameHost(owner) ? !isAlive(owner) : Date.now() - touchedAtMs > FOREIGN_SILENCE_MS
}

/** Touches a file (a link itself, not its target) until the returned function is called. */
export function keepTouched(path: string): () => void {
  const timer = setInterval(() => {
    const now = new Date()
    // The file can be gone when somebody cleared the data directory; then there is nothing left to say.
    lutimes(path, now, now).catch(() => clearInterval(timer))
  }, TOUCH_INTERVAL_MS).unref()
  return () => clearInterval(timer)
}
