import type { Job, Queue } from 'bullmq'
import type { Session } from '../../src/batches/session.js'

/** The jobs that wait for a worker, in the order in which they will be taken. */
export function waitingJobs(queue: Queue): Promise<Job[]> {
  return queue.getPrioritized(0, -1)
}

/** Takes jobs from those that wait, as if Redis had lost them there. */
export async function takeFromWaiting(
  { redis, completions: queue }: Session,
  ...ids: string[]
): Promise<void> {
  await redis.zrem(queue.toKey('prioritized'), ...ids)
}
