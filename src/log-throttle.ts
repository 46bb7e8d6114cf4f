import { refusesWrites } from './redis/unwritable.js'

const EVERY_MS = 10_000

/**
 * Lets through one log line in ten seconds of each event that says that Redis refuses writes: every step of every
 * worker meets that, for as long as there is no room. Whatever else is logged goes through.
 * @returns whether a line with these fields and this event is to be written
 */
export function createLogThrottle(now: () => number = () => performance.now()) {
  const writtenAt = new Map<string, number>()
  return (fields: unknown, event: unknown): boolean => {
    if (typeof event !== 'string' || !refusesWrites(errorOf(fields))) return true
    const before = writtenAt.get(event) ?? Number.NEGATIVE_INFINITY
    if (now() - before < EVERY_MS) return false
    writtenAt.set(event, now())
    return true
  }
}

/** `err` is an error, or the text of one. */
function errorOf(fields: unknown): unknown {
  if (typeof fields !== 'object' || fields === null || !('err' in fields)) return null
  return typeof fields.err === 'string' ? new Error(fields.err) : fields.err
}
