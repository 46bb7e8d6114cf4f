import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import type { BatchMarks } from '../batch-store.js'

/** A budget of requests came, or became smaller, when more of the batch were in the queue already. */
export function isLate({ maxRequests, fedRequests }: BatchMarks): boolean {
  return maxRequests !== null && fedRequests > maxRequests
}

const AT_ONCE = 100

/**
 * Takes jobs out of the queue that a late budget does not pay for: what was never called, the last of it first. What a
 * worker has just taken is held by its verdict (`verdict.lua`).
 * @returns whether as many were called as the budget allows, and all of these have their end
 */
export async function holdBack(
  batch: string,
  maxRequests: number,
  { redis, keys, queue }: { readonly redis: Redis; readonly keys: QueueKeys; readonly queue: Queue },
): Promise<boolean> {
  const ids = await queue.getRanges(['active', 'wait', 'prioritized', 'delayed'], 0, -1)
  const own = ids.filter((id) => id.startsWith(`${batch}-`))
  const marks = await Promise.all(own.map((id) => redis.hexists(queue.toKey(id), 'called')))
  const fresh = own.filter((id, i) => id.endsWith('-0') && marks[i] === 0)
  // Read last: what is called meanwhile is then counted here, at most twice.
  const called = Number((await redis.hget(keys.batch(batch), 'calledRequests')) ?? 0)
  const left = Math.max(0, maxRequests - called)
  const surplus = fresh.sort((one, other) => indexOf(one) - indexOf(other)).slice(left)
  for (let at = 0; at < surplus.length; at += AT_ONCE) {
    await Promise.all(surplus.slice(at, at + AT_ONCE).map((id) => queue.remove(id)))
  }
  return left === 0 && own.length === 0
}

/** Of a job id, `<batch>-<index>-<generation>`. */
function indexOf(id: string): number {
  return Number(id.split('-')[1])
}
