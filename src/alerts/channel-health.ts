import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'

/** How a channel of a queue fares. Times are Unix ms; null: never. */
export interface ChannelHealth {
  readonly channel: string
  readonly deliveredAt: number | null
  readonly failedAt: number | null
  /** Why it failed last, in a few words without addresses or secrets; null when it works. */
  readonly why: string | null
  /** Since it last worked. */
  readonly failuresInRow: number
}

/** It has taken an alert. */
export async function noteDelivered(redis: Redis, keys: QueueKeys, channel: string): Promise<void> {
  await redis
    .multi()
    .hset(keys.channels, `${channel}:deliveredAt`, Date.now(), `${channel}:failures`, 0)
    .hdel(keys.channels, `${channel}:why`)
    .exec()
}

/** It has not. @param why without addresses and secrets, for it is shown */
export async function noteFailed(redis: Redis, keys: QueueKeys, channel: string, why: string): Promise<void> {
  await redis
    .multi()
    .hset(keys.channels, `${channel}:failedAt`, Date.now(), `${channel}:why`, why)
    .hincrby(keys.channels, `${channel}:failures`, 1)
    .exec()
}

/** Every channel that was ever used for a queue, by name. */
export async function readChannelHealth(redis: Redis, keys: QueueKeys): Promise<ChannelHealth[]> {
  const fields = await redis.hgetall(keys.channels)
  const names = new Set(Object.keys(fields).map((field) => field.replace(/:\w+$/, '')))
  const time = (field: string) => (fields[field] === undefined ? null : Number(fields[field]))
  return [...names].sort().map((channel) => ({
    channel,
    deliveredAt: time(`${channel}:deliveredAt`),
    failedAt: time(`${channel}:failedAt`),
    why: fields[`${channel}:why`] ?? null,
    failuresInRow: Number(fields[`${channel}:failures`] ?? 0),
  }))
}
