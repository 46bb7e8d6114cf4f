import type { Gate } from '../src/admission/gate.js'
import type { Session } from '../src/batches/session.js'
import { readMemory } from '../src/redis/inspect.js'

/** Kept free for the answers of calls that are out, and for what makes room: bytes, or a part of a small memory. */
const RESERVE = { bytes: 8 << 20, leastPart: 0.05, mostPart: 0.2 } as const
/** So many times that must be free before calls are made again. */
const HYSTERESIS = 1.5
const NAME = 'redis'

/**
 * Holds the queue before its Redis is entirely full, and lifts that when there is room again. For housekeeping: any
 * process may place the hold, and any other lift it.
 * @param name who places the hold
 */
export function createRedisRoom({ redis, gate, place }: Session, name: string): () => Promise<void> {
  return async () => {
    const [{ usedBytes, maxBytes }, held] = await Promise.all([readMemory(redis), gate.lacksRoom(NAME)])
    const left = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes - usedBytes
    const reserve = reserveOf(maxBytes)
    if (left < reserve) await hold(gate, name, messageOf(place, usedBytes, maxBytes))
    else if (held && left > HYSTERESIS * reserve) await gate.hasRoom(NAME)
  }
}

/** How much memory must be free for calls to be made. */
export function reserveOf(maxBytes: number): number {
  const { bytes, leastPart, mostPart } = RESERVE
  return Math.max(leastPart * maxBytes, Math.min(bytes, mostPart * maxBytes))
}

function hold(gate: Gate, by: string, message: string): Promise<unknown> {
  const evidence = { by, code: 'redis_full', message, requestId: null, keyFingerprint: null }
  return gate.hold({ reason: 'storage', ...evidence, epoch: null, retryAfterMs: 0, noRoom: NAME })
}

function messageOf(place: string, usedBytes: number, maxBytes: number): string {
  const inMegabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
  return (
    `Redis at ${place} has little memory left: it uses ${inMegabytes(usedBytes)} of ${inMegabytes(maxBytes)} ` +
    '(maxmemory). Give it more, or remove what else is in it'
  )
}
