import type { Queue } from 'bullmq'
import type { Logger } from 'pino'
import { REMINDERS_MS, tendIncident } from '../src/admission/incidents.js'
import { ALERTS, drainOutbox } from '../src/alerts/outbox.js'
import type { Session } from '../src/batches/session.js'
import { openQueue } from '../src/completions/queues.js'
import { startAlertWorker } from './alert-worker.js'

/** The alerts of one queue in this process: the outbox, and the worker that delivers from it. */
export interface AlertRole {
  /** For housekeeping: reminds when it is time, and hands over what scripts have decided to tell. */
  enqueue(): Promise<unknown>
  /** Waits for what is due. */
  close(): Promise<void>
}

const DELIVERY_DEADLINE_MS = 10_000
const LOOK_MS = 50

/**
 * @param webhook null: alerts go to the log (and the terminal) only
 * @param remindersMs as `tendIncident` has it
 */
export function startAlertRole(
  session: Session,
  webhook: string | null,
  log: Logger,
  remindersMs: readonly number[] = REMINDERS_MS,
): AlertRole {
  const { redis, keys, store } = session
  const queue = openQueue(ALERTS, redis, keys)
  const worker = startAlertWorker({ redis, keys, log, webhook })
  // Until the forecast is there: about what it will cost nobody can tell.
  const looks = { waiting: store.waiting, costToFinish: async () => null }
  async function enqueue(): Promise<void> {
    await tendIncident(redis, keys, remindersMs)
    await drainOutbox(redis, keys, queue, looks)
  }
  return {
    enqueue,
    async close() {
      await enqueue()
      await untilDelivered(queue, log)
      await worker.close()
      await queue.close()
    },
  }
}

/** Delivers what a process that died had still to tell; does nothing where nothing is left. */
export async function deliverLeft(session: Session, webhook: string | null, log: Logger): Promise<void> {
  const { redis, keys } = session
  const queue = openQueue(ALERTS, redis, keys)
  // One that waits for another try has had its time already.
  const { wait = 0 } = await queue.getJobCounts('wait')
  await queue.close()
  if ((await redis.hlen(keys.outbox)) + wait === 0) return
  await startAlertRole(session, webhook, log).close()
}

/** What is not delivered by then stays in Redis, for the next process with this role. */
async function untilDelivered(queue: Queue, log: Logger): Promise<void> {
  const until = Date.now() + DELIVERY_DEADLINE_MS
  for (;;) {
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed')
    if (wait + active + delayed === 0) return
    if (Date.now() >= until) return log.warn({ alerts: wait + active + delayed }, 'alert.left_for_later')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
