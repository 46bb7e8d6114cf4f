import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Alert } from '../src/alerts/alert.js'
import { noteDelivered, noteFailed } from '../src/alerts/channel-health.js'
import { sendThrough } from '../src/alerts/channels/channel.js'
import { ChannelFailed } from '../src/alerts/channels/failed.js'
import { type Delivery, deliverySchema, retryDelayMs, UNKNOWN_CHANNEL_MS } from '../src/alerts/deliveries.js'
import { ALERTS } from '../src/alerts/outbox.js'
import { type ChannelSettings, LOG } from '../src/alerts/settings.js'
import type { QueueKeys } from '../src/redis/keys.js'
import { refusesWrites } from '../src/redis/unwritable.js'
import { createAlertOrder } from './alert-order.js'
import { createLines } from './lines.js'
import { createRest } from './rest.js'

export interface AlertWorkerOptions {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly log: Logger
  /** None: alerts go to the log (and the terminal) only. */
  readonly channels: readonly ChannelSettings[]
}

/** Alerts of a worker that died are delivered by another 10 to 20 s later; a Redis that stalls for longer repeats one. */
const LOCK_MS = 15_000
const STALLED_CHECK_MS = 5000
/** Deliveries that one channel may have here; more are put off, so that they hold up no other channel. */
const LINE = 5
const LINE_FULL_MS = 1000
const CLOSING_MS = 100
/** Between two looks whether a process is there that knows the channel. */
const UNKNOWN_LOOK_MS = 30_000

/** The BullMQ worker that delivers alerts: to the log, and through the channels with retries. */
export function startAlertWorker({ redis, keys, log, channels }: AlertWorkerOptions): {
  close(): Promise<void>
} {
  const ways = new Map<string, (alert: Alert) => Promise<void>>([[LOG, (alert) => tellLog(alert, log)]])
  for (const channel of channels) ways.set(channel.name, (alert) => sendThrough(channel, alert))
  const lines = createLines(LINE)
  let closing = false

  const worker = new Worker<Delivery, void>(
    ALERTS,
    async (job: Job<Delivery, void>, token) => {
      const delivery = deliverySchema.parse(job.data)
      const way = ways.get(delivery.channel)
      if (way === undefined) return leaveToOthers(job, token)
      const deliver = () => deliverInOrder(job, delivery, way)
      const delayMs = await (lines.enter(delivery.channel, deliver) ?? LINE_FULL_MS)
      if (delayMs !== null) await putOff(job, token, delayMs)
    },
    {
      connection: redis,
      prefix: keys.bullPrefix,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: 1000,
      concurrency: LINE * ways.size + 2,
      settings: { backoffStrategy: (attempts = 1) => retryDelayMs(attempts) },
    },
  )
  const order = createAlertOrder(worker)

  /** @returns for how long it is to be put off, in ms; null: it is done */
  async function deliverInOrder(
    job: Job<Delivery, void>,
    { alert, channel }: Delivery,
    way: (alert: Alert) => Promise<void>,
  ): Promise<number | null> {
    if (closing) return CLOSING_MS
    const turn = await order.turnOf(alert, channel)
    switch (turn.kind) {
      case 'too_early':
        return turn.delayMs
      case 'overtaken':
        return null
      case 'now':
        await send(job, alert, channel, way)
        order.delivered(alert, channel)
        return null
    }
  }

  async function send(
    job: Job<Delivery, void>,
    alert: Alert,
    channel: string,
    way: (alert: Alert) => Promise<void>,
  ): Promise<void> {
    try {
      await way(alert)
    } catch (error) {
      const { message } = error as Error
      await note(() => noteFailed(redis, keys, channel, message))
      const isFinal = error instanceof ChannelFailed && error.final
      const what = { alert: alert.id, channel, attempt: job.attemptsMade + 1, err: message }
      log.warn(what, 'alert.not_delivered')
      throw isFinal ? new UnrecoverableError(message) : error
    }
    if (channel !== LOG) await note(() => noteDelivered(redis, keys, channel))
  }

  /** An alert that was delivered is not repeated because a full Redis does not take the note of it. */
  async function note(take: () => Promise<void>): Promise<void> {
    await take().catch((error: Error) => log.warn({ err: error.message }, 'alert.health_not_noted'))
  }

  /** A channel that this process does not know: another may. */
  async function leaveToOthers(job: Job<Delivery, void>, token: string | undefined): Promise<void> {
    const { alert, channel } = job.data
    if (Date.now() - job.timestamp < UNKNOWN_CHANNEL_MS) return putOff(job, token, UNKNOWN_LOOK_MS)
    const why = 'no process has such a channel'
    await note(() => noteFailed(redis, keys, channel, why))
    log.warn({ alert: alert.id, channel, err: why }, 'alert.not_delivered')
    throw new UnrecoverableError(why)
  }

  const rest = createRest(worker)
  worker.on('error', (error) => {
    if (refusesWrites(error) && !rest.begin()) return
    log.warn({ err: error.message }, 'alert.worker_error')
  })
  return {
    close() {
      closing = true
      rest.end()
      return worker.close()
    },
  }
}

async function putOff(job: Job, token: string | undefined, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token)
  throw new DelayedError()
}

async function tellLog(alert: Alert, log: Logger): Promise<void> {
  const { type, queue: _, ...fields } = alert
  if (type === 'incident.resolved') log.info(fields, type)
  else log.warn(fields, type)
}
