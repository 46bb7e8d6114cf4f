import type { Redis } from 'ioredis'

/** A Redis that stopped to answer, or answers again; `place` is without its password. */
export type RedisChange =
  | { readonly kind: 'away'; readonly place: string }
  | { readonly kind: 'back'; readonly place: string; readonly forMs: number }

const ASK_MS = 1_000
/** A Redis that is busy for a moment is not away. */
const PATIENCE_MS = 3_000
/** After a longer gap this process stood still itself, and an answer may wait to be read. */
const STOOD_STILL_MS = 2_500

/**
 * Asks a connection every second whether Redis answers, whatever may be wrong with it: the server is gone or stands
 * still, the connection is cut, or its packets vanish. Tells once when it does not, and once when it does again.
 * @returns ends it
 */
export function watchRedis(redis: Redis, place: string, tell: (change: RedisChange) => void): () => void {
  let silentSince = performance.now()
  let lookedAt = silentSince
  let away = false
  let asking = false

  async function ask(): Promise<void> {
    asking = true
    try {
      await redis.ping()
      const forMs = performance.now() - silentSince
      silentSince = performance.now()
      if (away) tell({ kind: 'back', place, forMs })
      away = false
    } catch {
      // Refused is no answer either: asked again.
    } finally {
      asking = false
    }
  }

  const timer = setInterval(() => {
    const now = performance.now()
    const stoodStill = now - lookedAt >= STOOD_STILL_MS
    lookedAt = now
    if (!stoodStill && !away && now - silentSince >= PATIENCE_MS) {
      away = true
      tell({ kind: 'away', place })
    }
    if (!asking) void ask()
  }, ASK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** The change in a sentence, for whoever waits. */
export function redisWords(change: RedisChange): string {
  const { place } = change
  return change.kind === 'away'
    ? `Redis at ${place} does not answer. Nothing is lost: this goes on by itself when Redis is back.`
    : `Redis at ${place} answers again, after ${Math.round(change.forMs / 1000)} s. It goes on.`
}

/** Several connections to one Redis tell as one: with the first that is away, and with the last that is back. */
export function tellOnce(tell: (change: RedisChange) => void): (change: RedisChange) => void {
  let away = 0
  return (change) => {
    if (change.kind === 'away' && ++away === 1) tell(change)
    if (change.kind === 'back' && --away === 0) tell(change)
  }
}
