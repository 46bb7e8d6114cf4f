import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'

/** Names of the BullMQ queues under one queue's prefix. */
export const COMPLETIONS = 'completions'
export const DEAD_LETTERS = 'dead-letters'

/** Events only drive bull-board here, and each holds a copy of what it tells: a short stream will do. */
const EVENTS = { events: { maxLen: 100 } }

/** A BullMQ queue of ours. The connection stays the caller's. */
export function openQueue(name: string, redis: Redis, keys: QueueKeys): Queue {
  const queue = new Queue(name, { connection: redis, prefix: keys.bullPrefix, streams: EVENTS })
  // Whoever owns the connection hears of its loss; BullMQ would print it, command and arguments included.
  queue.on('error', () => undefined)
  return queue
}
