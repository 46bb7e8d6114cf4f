import type { Logger } from 'pino'
import { accessRedis, openSession, type RedisAccess, type Session } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { redisWords, tellOnce } from '../../redis/watch.js'
import { once } from './once.js'

/** Redis, reached when a queue is first opened: a private one is started only then. */
export interface LazyRedis {
  /** Opens a queue for work; the caller closes it. @throws what `accessRedis` and `openSession` throw */
  open(queue: string): Promise<Session>
  leave(): Promise<void>
}

export function createLazyRedis(config: Config, notice: (text: string) => void, log: Logger): LazyRedis {
  // The same server is asked once for each queue.
  const warn = once(notice)
  const onRedisChange = tellOnce((change) => {
    log.warn(change, `redis.${change.kind}`)
    notice(redisWords(change))
  })
  let access: RedisAccess | null = null
  return {
    async open(queue) {
      access ??= await accessRedis(config, (error) => notice((error as Error).message))
      return openSession({
        target: access.target,
        keyPrefix: config.keyPrefix,
        queue,
        role: 'worker',
        onRedisLost: (error) => log.warn({ err: error.message }, 'redis.lost'),
        onRedisChange,
        onWarning: warn,
      })
    },
    async leave() {
      await access?.leave()
    },
  }
}
