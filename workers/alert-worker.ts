import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { ChannelFailed } from '../src/alerts/channels/failed.js'
import { type Delivery, deliverySchema, retryDelayMs, UNKNOWN_CHANNEL_MS } from '../src/alerts/deliveries.js'
import { ALERTS } from '../src/alerts/outbox.js'
import type { ChannelSettings } from '../src/alerts/settings.js'
import type { QueueKeys } from '../src/redis/keys.js'
import { refusesWrites } from '../src/redis/unwritable.js'
import { createAlertOrder } from './alert-order.js'
import { createLines } from './lines.js'
import { createRest } from './rest.js'
import { createSenders } from './senders.js'

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
/** By then another delivers what a worker had that died. */
export const TAKEN_OVER_MS = LOCK_MS + 2 * STALLED_CHECK_MS
/** Deliveries that one channel may have here; more are put off, so that they hold up no other channel. */
const LINE = 5
const LINE_FULL_MS = 1000
const CLOSING_MS = 100
/** Between two looks whether a process is there that knows the channel. */
const UNKNOWN_LOOK_MS = 30_000

/** The BullMQ worker that delivers alerts: to the log, and through the channels with retries. */
export function startAlertWorker(options: AlertWorkerOptions): { close(): Promise<void> } {
  const { redis, keys, log } = options
  const senders = createSenders(options)
  const lines = createLines(LINE)
  let closing = false

  const worker = new Worker<Delivery, void>(
    ALERTS,
    async (job: Job<Delivery, void>, token) => {
      const delivery = deliverySchema.parse(job.data)
      const delayMs = senders.knows(delivery.channel)
        ? await (lines.enter(delivery.channel, () => deliver(delivery, job)) ?? LINE_FULL_MS)
        : await leaveToOthers(delivery, job)
      if (delayMs === null) return
      await job.moveToDelayed(Date.now() + delayMs, token)
      throw new DelayedError()
    },
    {
      connection: redis,
      prefix: keys.bullPrefix,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: 1000,
      concurrency: LINE * senders.count + 2,
      settings: { backoffStrategy: (attempts = 1) => retryDelayMs(attempts) },
    },
  )
  const order = createAlertOrder(worker)

  /** @returns for how long it is to be put off, in ms; null: it is done */
  async function deliver(delivery: Delivery, job: Job): Promise<number | null> {
    if (closing) return CLOSING_MS
    const turn = await order.turnOf(delivery)
    switch (turn.kind) {
      case 'too_early':
        return turn.delayMs
      case 'overtaken':
        return null
      case 'now':
        await senders.send(delivery, job.attemptsMade + 1).catch((error: unknown) => {
          throw error instanceof ChannelFailed && error.final ? new UnrecoverableError(error.message) : error
        })
        order.delivered(delivery)
        return null
    }
  }

  /** A channel that this process does not know: another may. */
  async function leaveToOthers(delivery: Delivery, { timestamp }: Job): Promise<number> {
    if (Date.now() - timestamp < UNKNOWN_CHANNEL_MS) return UNKNOWN_LOOK_MS
    throw new UnrecoverableError((await senders.giveUp(delivery)).message)
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
