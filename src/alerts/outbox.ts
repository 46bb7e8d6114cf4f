import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { type Entry, happenedAt, toAlert } from './entry.js'

/** Name of the BullMQ queue under one queue's prefix. */
export const ALERTS = 'alerts'

/** Kept this long, so that an alert which is enqueued a second time after a crash is known. */
const KEEP = { age: 30 * 24 * 3600, count: 1000 }
const RETRIES = { attempts: 12, backoff: { type: 'exponential', delay: 1000, jitter: 0.5 } }

/**
 * Enqueues what the gate's scripts have decided to tell, then forgets it: a crash in between enqueues it again
 * under the same id, which BullMQ ignores.
 *
 * @param waiting counts the requests that have not ended, of active batches, or of one that the brake has stopped
 * @returns alerts enqueued
 */
export async function drainOutbox(
  redis: Redis,
  keys: QueueKeys,
  alerts: Queue,
  waiting: (batch?: string) => Promise<number>,
): Promise<number> {
  const outbox = Object.entries(await redis.hgetall(keys.outbox)).map(([id, raw]) => {
    return { id, entry: JSON.parse(raw) as Entry }
  })
  outbox.sort((a, b) => inOrder(a.entry, b.entry))
  for (const { id, entry } of outbox) {
    const alert = toAlert(
      id,
      entry,
      await waiting(entry.type === 'batch.braked' ? entry.brake.batch : undefined),
    )
    await alerts.add(alert.type, alert, { jobId: id, ...RETRIES, removeOnComplete: KEEP, removeOnFail: KEEP })
    await redis.hdel(keys.outbox, id)
  }
  return outbox.length
}

/** As they happened, the alert of each before its all-clear (`opened` sorts before `resolved`). */
function inOrder(a: Entry, b: Entry): number {
  return happenedAt(a) - happenedAt(b) || (a.type < b.type ? -1 : 1)
}
