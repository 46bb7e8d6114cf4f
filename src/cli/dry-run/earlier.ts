import { accessRedis } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { readForecast } from '../../credits/forecast.js'
import { type UsageByModel, usageByModel } from '../../credits/model-usage.js'
import { connectRedis } from '../../redis/connect.js'
import { queueKeys } from '../../redis/keys.js'
import { hasPrivateServer } from '../../redis/server/home.js'
import type { RedisTarget } from '../../redis/target.js'

/** What a queue has seen so far. */
export interface Earlier {
  readonly usage: UsageByModel
  /** Learned from the balance; null: nothing was. */
  readonly centsPerToken: number | null
  /** Of the batch that was asked for, requests that have ended; null: nobody knows. */
  readonly done: number | null
  /** Why nothing could be read from a Redis that the settings name, in a sentence; null: all is well. */
  readonly trouble: string | null
}

const NOTHING: Earlier = { usage: new Map(), centsPerToken: null, done: null, trouble: null }

/**
 * Reads what is known of earlier answers. A private Redis is started for it where one has run before, and nothing is
 * written. Never throws.
 * @param batch whose progress is asked for too
 */
export async function readEarlier(config: Config, queue: string, batch: string | null): Promise<Earlier> {
  // Nothing ever ran here.
  if (config.redisUrl === null && !hasPrivateServer(config.dataDirectory)) return NOTHING
  try {
    const access = await accessRedis(config, () => {})
    try {
      return await readFrom(access.target, config, queue, batch)
    } finally {
      await access.leave()
    }
  } catch (error) {
    const trouble = `Nothing is told from earlier answers: ${(error as Error).message}`
    return { ...NOTHING, trouble }
  }
}

async function readFrom(
  target: RedisTarget,
  { keyPrefix }: Config,
  queue: string,
  batch: string | null,
): Promise<Earlier> {
  const redis = await connectRedis(target, 'client')
  try {
    const keys = queueKeys(keyPrefix, queue)
    const usage = usageByModel(await redis.hgetall(keys.usage))
    const counts = batch === null ? [] : await redis.hmget(keys.batch(batch), 'total', 'completed', 'failed')
    const [total, completed, failed] = counts
    const done = total == null ? null : Number(completed ?? 0) + Number(failed ?? 0)
    const forecast = await readForecast(redis, keys, 0)
    return { usage, centsPerToken: forecast?.centsPerToken ?? null, done, trouble: null }
  } finally {
    redis.disconnect()
  }
}
