import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { ALERTS } from '../alerts/outbox.js'
import { COMPLETIONS, DEAD_LETTERS, openQueue } from '../completions/queues.js'
import { queueKeys } from '../redis/keys.js'

/** A BullMQ queue to look at, and the queue of ours that it belongs to. */
export interface BoardQueue {
  readonly queue: string
  readonly bull: Queue
}

/** Opens the BullMQ queues of queues of ours, in their order. The connection stays the caller's. */
export function openBoardQueues(redis: Redis, keyPrefix: string, queues: readonly string[]): BoardQueue[] {
  return queues.flatMap((queue) => {
    const keys = queueKeys(keyPrefix, queue)
    return [COMPLETIONS, DEAD_LETTERS, ALERTS].map((name) => ({ queue, bull: openQueue(name, redis, keys) }))
  })
}
