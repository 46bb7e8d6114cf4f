import type { Redis } from 'ioredis'
import { isUnwritable, unwritableWords } from './unwritable.js'

/**
 * A Redis that stopped to answer, or answers again; one that can't write its files (and refuses whatever changes
 * something), or can again. `place` is without its password.
 */
export type RedisChange =
  | { readonly kind: 'away' | 'unwritable'; readonly place: string }
  | { readonly kind: 'back' | 'writable'; readonly place: string; readonly forMs: number }

const ASK_MS = 1_000
/** A Redis that is busy for a moment is not away; nor is all well with a disk that has room for a moment. */
const PATIENCE_MS = 3_000
/** After a longer gap this process stood still itself, and an answer may wait to be read. */
const STOOD_STILL_MS = 2_500

/**
 * Asks a connection every second whether Redis answers, whatever may be wrong with it: the server is gone or stands
 * still, the connection is cut, or its packets vanish. Tells once when it does not, and once when it does again; and
 * likewise of one that answers and can't write, which refuses a PING too.
 * @param refused it has refused a write already
 * @returns ends it
 */
export function watchRedis(
  redis: Redis,
  place: string,
  tell: (change: RedisChange) => void,
  refused = false,
): () => void {
  let silentSince = performance.now()
  let lookedAt = silentSince
  let away = false
  let unwritableSince: number | null = null
  let refusedAt = silentSince
  let asking = false

  function answered(): void {
    const forMs = performance.now() - silentSince
    silentSince = performance.now()
    if (away) tell({ kind: 'back', place, forMs })
    away = false
  }

  function wrote(writes: boolean): void {
    const now = performance.now()
    if (!writes) {
      refusedAt = now
      if (unwritableSince === null) tell({ kind: 'unwritable', place })
      unwritableSince ??= now
    } else if (unwritableSince !== null && now - refusedAt >= PATIENCE_MS) {
      tell({ kind: 'writable', place, forMs: now - unwritableSince })
      unwritableSince = null
    }
  }

  async function ask(): Promise<void> {
    asking = true
    try {
      await redis.ping()
      answered()
      wrote(true)
    } catch (error) {
      // Any other refusal is no answer either: asked again.
      if (!isUnwritable(error)) return
      answered()
      wrote(false)
    } finally {
      asking = false
    }
  }

  if (refused) wrote(false)
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
  switch (change.kind) {
    case 'away':
      return `Redis at ${place} does not answer. Nothing is lost: this goes on by itself when Redis is back.`
    case 'unwritable':
      return unwritableWords(place)
    case 'back':
      return `Redis at ${place} answers again, after ${inSeconds(change.forMs)}. It goes on.`
    case 'writable':
      return `Redis at ${place} can write to its disk again, after ${inSeconds(change.forMs)}. It goes on.`
  }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

/** Several connections to one Redis tell as one: with the first that has trouble, and with the last that has it no more. */
export function tellOnce(tell: (change: RedisChange) => void): (change: RedisChange) => void {
  const troubled = { away: 0, unwritable: 0 }
  return (change) => {
    switch (change.kind) {
      case 'away':
      case 'unwritable':
        if (++troubled[change.kind] === 1) tell(change)
        break
      case 'back':
        if (--troubled.away === 0) tell(change)
        break
      case 'writable':
        if (--troubled.unwritable === 0) tell(change)
    }
  }
}
