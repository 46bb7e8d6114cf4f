import type { Queue } from 'bullmq'
import { z } from 'zod'
import { type Alert, alertSchema } from './alert.js'
import { LOG } from './settings.js'

/** One alert for one channel: the data of a job. The channel's address and secrets stay with the processes that send. */
export const deliverySchema = z.strictObject({ alert: alertSchema, channel: z.string() })

export type Delivery = z.infer<typeof deliverySchema>

const DAY_MS = 24 * 3_600_000
/** Kept this long, so that an alert which is enqueued a second time after a crash is known. */
const KEEP = { age: (30 * DAY_MS) / 1000, count: 2000 }

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 15 * 60_000
/** About 22 hours of them. */
const ATTEMPTS = 100

/** A delivery that no process can make within this time fails, so that somebody sees it. */
export const UNKNOWN_CHANNEL_MS = DAY_MS

/** The job of an alert's delivery through a channel. */
export function deliveryId(alertId: string, channel: string): string {
  return `${alertId}-${channel}`
}

/** Adds a job for the log and for each channel, each once however often this is repeated. */
export async function addDeliveries(queue: Queue, alert: Alert, channels: readonly string[]): Promise<void> {
  for (const channel of [LOG, ...channels]) {
    const delivery: Delivery = { alert, channel }
    await queue.add(alert.type, delivery, {
      jobId: deliveryId(alert.id, channel),
      attempts: ATTEMPTS,
      // Which worker/alert-worker.ts takes from retryDelayMs.
      backoff: { type: 'custom' },
      stackTraceLimit: 1,
      removeOnComplete: KEEP,
      removeOnFail: KEEP,
    })
  }
}

/** How long to wait after this many attempts, in ms: doubling from 1 s to 15 min, give or take a quarter. */
export function retryDelayMs(attempts: number, random = Math.random()): number {
  const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1))
  return Math.round(delay * (0.75 + random / 2))
}
