import { DelayedError, Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { type Alert, alertSchema } from '../src/alerts/alert.js'
import { ALERTS } from '../src/alerts/outbox.js'
import { postAlert } from '../src/alerts/webhook.js'
import type { QueueKeys } from '../src/redis/keys.js'
import { refusesWrites } from '../src/redis/unwritable.js'
import { createRest } from './rest.js'

export interface AlertWorkerOptions {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly log: Logger
  /** Null: alerts go to the log (and the terminal) only. */
  readonly webhook: string | null
}

/** Alerts of a worker that died are delivered by another 10 to 20 s later; a Redis that stalls for longer repeats one. */
const LOCK_MS = 15_000
const STALLED_CHECK_MS = 5000
/** Between two looks whether an all-clear may go out. */
const TOO_EARLY_MS = 500

/** The BullMQ worker that delivers alerts: to the log, and to the webhook with retries. */
export function startAlertWorker({ redis, keys, log, webhook }: AlertWorkerOptions): {
  close(): Promise<void>
} {
  const worker = new Worker<Alert, void>(
    ALERTS,
    async (job: Job<Alert, void>, token) => {
      const alert = alertSchema.parse(job.data)
      if (await isTooEarly(alert, worker)) {
        await job.moveToDelayed(Date.now() + TOO_EARLY_MS, token)
        throw new DelayedError()
      }
      if (webhook !== null) await postAlert(webhook, alert)
      const { type, queue: _, ...fields } = alert
      if (type === 'incident.resolved') log.info(fields, type)
      else log.warn(fields, type)
    },
    {
      connection: redis,
      prefix: keys.bullPrefix,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: 1000,
      concurrency: 1,
    },
  )
  worker.on('failed', (job, error) => {
    log.warn({ jobId: job?.id, attempt: job?.attemptsMade, err: error.message }, 'alert.not_delivered')
  })
  const rest = createRest(worker)
  worker.on('error', (error) => {
    if (refusesWrites(error) && !rest.begin()) return
    log.warn({ err: error.message }, 'alert.worker_error')
  })
  return {
    close() {
      rest.end()
      return worker.close()
    },
  }
}

/** Nobody is told that all is well before they were told of the trouble, though the webhook refused that at first. */
async function isTooEarly(alert: Alert, worker: Worker): Promise<boolean> {
  if (alert.type !== 'incident.resolved') return false
  const opened = await Job.fromId(worker, `${alert.incident}-opened`)
  return opened !== undefined && !['completed', 'failed', 'unknown'].includes(await opened.getState())
}
