import type { Redis } from 'ioredis'
import { readMemory } from '../redis/inspect.js'

/** Of Redis's memory. The rest is for the workers: in a Redis that is full they can't free any. */
const MOST_USED = 0.8
const FRESH_MS = 1000

/** Tells whether Redis has room for further requests, from a look that is at most a second old. */
export function createRoomCheck(): (redis: Redis) => Promise<boolean> {
  let look: Promise<boolean> | null = null
  let lookedAt = 0
  return (redis) => {
    if (look !== null && performance.now() - lookedAt < FRESH_MS) return look
    lookedAt = performance.now()
    const own = hasRoom(redis).catch((error: unknown) => {
      if (look === own) look = null
      throw error
    })
    look = own
    return own
  }
}

async function hasRoom(redis: Redis): Promise<boolean> {
  const { usedBytes, maxBytes } = await readMemory(redis)
  return maxBytes === 0 || usedBytes < MOST_USED * maxBytes
}
