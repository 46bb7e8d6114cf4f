import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Alert } from '../src/alerts/alert.js'
import { noteDelivered, noteFailed } from '../src/alerts/channel-health.js'
import { sendThrough } from '../src/alerts/channels/channel.js'
import { ChannelFailed, errorName } from '../src/alerts/channels/failed.js'
import type { Delivery } from '../src/alerts/deliveries.js'
import { type ChannelSettings, LOG } from '../src/alerts/settings.js'
import type { QueueKeys } from '../src/redis/keys.js'

/** Where this process can send alerts: the log, and its channels. What becomes of each is logged and noted in Redis. */
export interface Senders {
  readonly count: number
  knows(channel: string): boolean
  /**
   * @param attempt from 1, for the log
   * @throws ChannelFailed
   */
  send(delivery: Delivery, attempt: number): Promise<void>
  /** Nobody knows its channel. */
  giveUp(delivery: Delivery): Promise<ChannelFailed>
}

export function createSenders(options: {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly log: Logger
  readonly channels: readonly ChannelSettings[]
}): Senders {
  const { redis, keys, log, channels } = options
  const ways = new Map<string, (alert: Alert) => Promise<void>>([[LOG, async (alert) => tellLog(alert, log)]])
  for (const channel of channels) ways.set(channel.name, (alert) => sendThrough(channel, alert))

  async function failed({ alert, channel }: Delivery, { message: err }: ChannelFailed, attempt?: number) {
    await note(() => noteFailed(redis, keys, channel, err))
    log.warn({ alert: alert.id, channel, attempt, err }, 'alert.not_delivered')
  }

  /** An alert that was delivered is not repeated because a full Redis does not take the note of it. */
  async function note(take: () => Promise<void>): Promise<void> {
    await take().catch((error: Error) => log.warn({ err: error.message }, 'alert.health_not_noted'))
  }

  return {
    count: ways.size,
    knows: (channel) => ways.has(channel),
    async send(delivery, attempt) {
      const { alert, channel } = delivery
      try {
        await ways.get(channel)?.(alert)
      } catch (error) {
        const failure = asFailure(error)
        await failed(delivery, failure, attempt)
        throw failure
      }
      if (channel !== LOG) await note(() => noteDelivered(redis, keys, channel))
    },
    async giveUp(delivery) {
      const failure = new ChannelFailed('no process has such a channel', { final: true })
      await failed(delivery, failure)
      return failure
    },
  }
}

/** What an error says that is not of a channel might quote an address: only its name is told. */
function asFailure(error: unknown): ChannelFailed {
  return error instanceof ChannelFailed ? error : new ChannelFailed(`it can't be told (${errorName(error)})`)
}

function tellLog({ type, queue: _, ...fields }: Alert, log: Logger): void {
  if (type === 'incident.resolved') log.info(fields, type)
  else log.warn(fields, type)
}
