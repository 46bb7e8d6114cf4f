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

/** Jobs of a BullMQ queue that are not over. */
export interface JobCounts {
  /** For a worker: those with a priority, and those without. */
  readonly waiting: number
  readonly active: number
  /** For their time. */
  readonly delayed: number
}

export async function countJobs(queue: Queue): Promise<JobCounts> {
  const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed')
  const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts
  return { waiting: wait + prioritized, active, delayed }
}

/**
 * Wakes a worker that waits for a job. BullMQ does so itself for everything but jobs with a priority that are given
 * back: those would wait until some worker looks by itself, after 5 s.
 */
export async function wakeWorkers(redis: Redis, queue: Pick<Queue, 'toKey'>): Promise<void> {
  await redis.zadd(queue.toKey('marker'), 0, '0')
}
