import { Job, type Worker } from 'bullmq'
import { type Delivery, deliveryId } from '../src/alerts/deliveries.js'

/** Whether an alert may go out through a channel now. */
export type Turn =
  | { readonly kind: 'now' }
  | { readonly kind: 'too_early'; readonly delayMs: number }
  /** What it reminds of is over, or is reminded of anew: it is not told. */
  | { readonly kind: 'overtaken' }

export interface AlertOrder {
  turnOf(delivery: Delivery): Promise<Turn>
  delivered(delivery: Delivery): void
}

/** Between two looks whether an alert may go out: a tenth of the time that it has waited for, between these. */
const SHORTEST_LOOK_MS = 500
const LONGEST_LOOK_MS = 30_000
/** Deliveries of this process that it remembers. */
const REMEMBERED = 1000

/**
 * On each channel nobody is told that all is well, or reminded, before they were told of the trouble; of reminders that
 * a channel could not be told, the last one is.
 */
export function createAlertOrder(worker: Worker): AlertOrder {
  // BullMQ notes the end of a job a moment after it, and the next alert may come in between.
  const here = new Set<string>()

  async function isPending(id: string): Promise<Job | null> {
    if (here.has(id)) return null
    const job = await Job.fromId(worker, id)
    if (job === undefined) return null
    return ['completed', 'failed', 'unknown'].includes(await job.getState()) ? null : job
  }

  async function isOvertaken({ id, incident }: { id: string; incident: string }, channel: string) {
    const later = [`${incident}-resolved`, id.replace(/\d+$/, (number) => `${Number(number) + 1}`)]
    const jobs = await Promise.all(later.map((alertId) => Job.fromId(worker, deliveryId(alertId, channel))))
    return jobs.some((job) => job !== undefined)
  }

  return {
    async turnOf({ alert, channel }) {
      if (alert.type !== 'incident.resolved' && alert.type !== 'incident.reminder') return { kind: 'now' }
      if (alert.type === 'incident.reminder' && (await isOvertaken(alert, channel)))
        return { kind: 'overtaken' }
      const opened = await isPending(deliveryId(`${alert.incident}-opened`, channel))
      if (opened === null) return { kind: 'now' }
      const waitedMs = Date.now() - opened.timestamp
      return {
        kind: 'too_early',
        delayMs: Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, waitedMs / 10)),
      }
    },
    delivered({ alert, channel }) {
      here.add(deliveryId(alert.id, channel))
      const [oldest] = here
      if (here.size > REMEMBERED && oldest !== undefined) here.delete(oldest)
    },
  }
}
