import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { noteIncident } from '../admission/incidents.js'
import type { QueueKeys } from '../redis/keys.js'
import { addDeliveries } from './deliveries.js'
import { batchOf, type Entry, happenedAt, toAlert } from './entry.js'
import type { EndsByItself, Waiting } from './incident-alert.js'

/** Name of the BullMQ queue under one queue's prefix. */
export const ALERTS = 'alerts'

/** Of what waits: requests that have not ended, and about what they will cost in cents (null: nobody can tell). */
export interface OutboxLooks {
  /** Of active batches and single ones, or of one batch. */
  readonly waiting: (batch?: string) => Promise<number>
  readonly costToFinish: (waiting: number) => Promise<number | null>
  /** Tells which holds end by themselves when their cause has gone; without it all that can do. */
  readonly byItself?: () => Promise<EndsByItself>
}

/**
 * Enqueues what scripts have decided to tell, for the log and for each channel, then forgets it: a crash in between
 * enqueues it again under the same ids, which BullMQ ignores.
 *
 * @param channels names of the channels that are told, beside the log
 * @returns alerts enqueued
 */
export async function drainOutbox(
  redis: Redis,
  keys: QueueKeys,
  alerts: Queue,
  looks: OutboxLooks,
  channels: readonly string[],
): Promise<number> {
  const outbox = Object.entries(await redis.hgetall(keys.outbox)).map(([id, raw]) => {
    return { id, entry: JSON.parse(raw) as Entry }
  })
  outbox.sort((a, b) => inOrder(a.entry, b.entry))
  for (const { id, entry } of outbox) {
    const waits = await lookAt(entry, looks)
    if (entry.type === 'incident.opened') await noteIncident(redis, keys, entry.incident.id, waits)
    const alert = toAlert(id, entry, waits, (await looks.byItself?.()) ?? (() => true))
    await addDeliveries(alerts, alert, channels)
    await redis.hdel(keys.outbox, id)
  }
  return outbox.length
}

async function lookAt(entry: Entry, looks: OutboxLooks): Promise<Waiting> {
  const batch = batchOf(entry)
  if (batch !== undefined) return { waiting: await looks.waiting(batch), costToFinishCents: null }
  const waiting = await looks.waiting()
  return { waiting, costToFinishCents: await looks.costToFinish(waiting) }
}

/** As they happened, the alert of each before its reminders, and its all-clear last: as the words sort. */
function inOrder(a: Entry, b: Entry): number {
  return happenedAt(a) - happenedAt(b) || (a.type < b.type ? -1 : Number(a.type > b.type))
}
