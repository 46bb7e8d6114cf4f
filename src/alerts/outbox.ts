import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Incident } from '../admission/hold.js'
import type { QueueKeys } from '../redis/keys.js'
import { actionSentence } from './advice.js'
import type { Alert } from './alert.js'
import { type BrakeSeen, brakeAdvice, brakeInWords } from './brake-advice.js'

/** Name of the BullMQ queue under one queue's prefix. */
export const ALERTS = 'alerts'

type Entry =
  | { readonly type: 'incident.opened' | 'incident.resolved'; readonly incident: Incident }
  | { readonly type: 'batch.braked'; readonly brake: PulledBrake }

/** As `record.lua` writes it. */
interface PulledBrake extends BrakeSeen {
  readonly batch: string
  readonly queue: string
  /** Unix ms. */
  readonly at: number
}

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
    const alert = toAlert(entry, await waiting(entry.type === 'batch.braked' ? entry.brake.batch : undefined))
    await alerts.add(alert.type, alert, { jobId: id, ...RETRIES, removeOnComplete: KEEP, removeOnFail: KEEP })
    await redis.hdel(keys.outbox, id)
  }
  return outbox.length
}

/** As they happened, the alert of each before its all-clear (`opened` sorts before `resolved`). */
function inOrder(a: Entry, b: Entry): number {
  return happenedAt(a) - happenedAt(b) || (a.type < b.type ? -1 : 1)
}

function happenedAt(entry: Entry): number {
  return entry.type === 'batch.braked' ? entry.brake.at : entry.incident.openedAt
}

function toAlert(entry: Entry, waiting: number): Alert {
  if (entry.type === 'batch.braked') return brakeAlert(entry.brake, waiting)
  const { type, incident } = entry
  const { queue, reason, openedAt, resolvedAt } = incident
  return {
    type,
    incident: incident.id,
    queue,
    reason,
    code: incident.code,
    message: incident.message,
    requestId: incident.requestId,
    since: new Date(openedAt).toISOString(),
    waiting,
    action: type === 'incident.opened' ? actionSentence(reason, queue) : 'Nothing: work goes on.',
    resolvedAt: resolvedAt === null ? null : new Date(resolvedAt).toISOString(),
    durationMs: resolvedAt === null ? null : resolvedAt - openedAt,
    endedBy: incident.liftedBy,
  }
}

function brakeAlert(brake: PulledBrake, waiting: number): Alert {
  const { batch, queue, code, at } = brake
  return {
    type: 'batch.braked',
    batch,
    queue,
    reason: 'brake',
    code,
    message: `Batch ${batch} was stopped: ${brakeInWords(brake)}`,
    since: new Date(at).toISOString(),
    waiting,
    action: `Nothing is lost. ${brakeAdvice(batch).join(' | ')}`,
  }
}
