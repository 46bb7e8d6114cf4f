import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { addDeliveries } from './deliveries.js'
import { type Entry, happenedAt, toAlert } from './entry.js'

/** Name of the BullMQ queue under one queue's prefix. */
export const ALERTS = 'alerts'

/**
 * Enqueues what the gate's scripts have decided to tell, for the log and for each channel, then forgets it: a crash in
 * between enqueues it again under the same ids, which BullMQ ignores.
 *
 * @param waiting counts the requests that have not ended, of active batches, or of one that the brake has stopped
 * @param channels names of the channels that are told, beside the log
 * @returns alerts enqueued
 */
export async function drainOutbox(
  redis: Redis,
  keys: QueueKeys,
  alerts: Queue,
  waiting: (batch?: string) => Promise<number>,
  channels: readonly string[],
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
    await addDeliveries(alerts, alert, channels)
    await redis.hdel(keys.outbox, id)
  }
  return outbox.length
}

/** As they happened, the alert of each before its all-clear (`opened` sorts before `resolved`). */
function inOrder(a: Entry, b: Entry): number {
  return happenedAt(a) - happenedAt(b) || (a.type < b.type ? -1 : 1)
}
