import { type Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { type Alert, alertSchema } from '../src/alerts/alert.js'
import { ALERTS } from '../src/alerts/outbox.js'
import { postAlert } from '../src/alerts/webhook.js'
import type { QueueKeys } from '../src/redis/keys.js'

export interface AlertWorkerOptions {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly log: Logger
  /** Null: alerts go to the log (and the terminal) only. */
  readonly webhook: string | null
}

/** The BullMQ worker that delivers alerts: to the log, and to the webhook with retries. */
export function startAlertWorker({ redis, keys, log, webhook }: AlertWorkerOptions): {
  close(): Promise<void>
} {
  const worker = new Worker<Alert, void>(
    ALERTS,
    async (job: Job<Alert, void>) => {
      const alert = alertSchema.parse(job.data)
      if (webhook !== null) await postAlert(webhook, alert)
      const { type, queue: _, ...fields } = alert
      if (type === 'incident.opened') log.warn(fields, type)
      else log.info(fields, type)
    },
    {
      connection: redis,
      prefix: keys.bullPrefix,
      lockDuration: 30_000,
      maxStalledCount: 1000,
      concurrency: 1,
    },
  )
  worker.on('failed', (job, error) => {
    log.warn({ jobId: job?.id, attempt: job?.attemptsMade, err: error.message }, 'alert.not_delivered')
  })
  worker.on('error', (error) => log.warn({ err: error.message }, 'alert.worker_error'))
  return { close: () => worker.close() }
}
