import { existsSync } from 'node:fs'
import { accessRedis, openSession, type Session } from '../batches/session.js'
import type { Config } from '../config.js'
import { connectRedis } from '../redis/connect.js'
import { registryKey } from '../redis/keys.js'
import { describeTarget } from '../redis/target.js'
import { asUnavailable } from '../redis/unavailable.js'
import { redisWords, tellOnce } from '../redis/watch.js'
import { suggested } from './text/suggest.js'

/** There is no data directory, and no other Redis was named: nothing ever ran here. */
export class NothingHere extends Error {
  readonly code = 'nothing_here'
}

/** A look at Redis for a command that works on no batch: it fails soon when Redis is away. */
export interface Visit {
  /** Queues that are set up, and then whatever else was ever used. */
  queues(): Promise<string[]>
  /** The same session however often it is asked for. */
  session(queue: string): Promise<Session>
}

/**
 * Calls `look` with Redis at hand and leaves again. A private Redis is started for it when it is not running, but a
 * data directory is not made for the sake of a look.
 *
 * @param onWarning told what the server's settings may cost, and of a Redis that went away; by default stderr is
 * @throws NothingHere, RedisUnavailable, RedisUnwritable and whatever `look` throws
 */
export async function visit<T>(
  config: Config,
  look: (visit: Visit) => Promise<T>,
  onWarning: (text: string) => void = toStderr,
): Promise<T> {
  if (config.redisUrl === null && !existsSync(config.dataDirectory)) {
    throw new NothingHere(
      `Nothing has run here yet: there is no ${config.dataDirectory}. Start with: ${suggested('conduit-batch run prompts.jsonl')} ` +
        '(or name another place with --data-dir or REDIS_URL)',
    )
  }
  const sessions = new Map<string, Promise<Session>>()
  const warned = new Set<string>()
  const warn = (text: string) => {
    // The same server is asked once for each queue.
    if (!warned.has(text)) onWarning(text)
    warned.add(text)
  }
  const onRedisChange = tellOnce((change) => onWarning(redisWords(change)))
  const access = await accessRedis(config, (error) => warn((error as Error).message))
  try {
    return await look({
      async queues() {
        const redis = await connectRedis(access.target, 'client')
        const names = await redis.smembers(registryKey(config.keyPrefix))
        redis.disconnect()
        return [...new Set([...config.queues, ...names.sort()])]
      },
      session(queue) {
        const known = sessions.get(queue)
        if (known !== undefined) return known
        const session = openSession({
          target: access.target,
          keyPrefix: config.keyPrefix,
          queue,
          role: 'client',
          onRedisLost: (error) => warn(error.message),
          onRedisChange,
          onWarning: warn,
        })
        sessions.set(queue, session)
        return session
      },
    })
  } catch (error) {
    throw asUnavailable(error, describeTarget(access.target))
  } finally {
    for (const session of await Promise.allSettled(sessions.values())) {
      if (session.status === 'fulfilled') await session.value.close()
    }
    await access.leave()
  }
}

/**
 * For commands that only look: a queue that was taken out of the configuration may still have something in Redis.
 * @throws UnknownQueue
 */
export async function assertKnownQueue(queue: string, { queues }: Visit, config: Config): Promise<void> {
  if (!(await queues()).includes(queue)) config.assertQueue(queue)
}

function toStderr(text: string): void {
  process.stderr.write(`conduit-batch: ${text}\n`)
}
