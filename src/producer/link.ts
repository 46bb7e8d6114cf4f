import { resolve } from 'node:path'
import { openSession, type Session } from '../batches/session.js'
import { joinServer } from '../redis/server/join.js'
import { describeTarget, type RedisTarget } from '../redis/target.js'
import { ProducerClosed } from './errors.js'
import { failFast } from './fail-fast.js'
import type { ProducerSettings } from './options.js'

/** The producer's way to Redis, opened when it is first needed. */
export interface Link {
  /**
   * Does some work there (`place`: the Redis, without its password); fails within seconds when Redis is away.
   * @throws RedisUnavailable, RedisFull, ProducerClosed, EvictingRedis, RedisTooOld, and of the private server
   *   RedisNotInstalled, RedisStartFailed
   */
  use<T>(work: (session: Session, place: string) => Promise<T>): Promise<T>
  close(): Promise<void>
}

interface Opened {
  readonly place: string
  readonly session: Session
  close(): Promise<void>
}

/** @throws InvalidRedisUrl */
export function createLink(settings: ProducerSettings): Link {
  const named = targetOf(settings)
  // A URL that can't be right is told at once, not at the first request.
  if (named !== null) describeTarget(named)
  let opening: Promise<Opened> | null = null
  let closed = false

  /** One that failed is forgotten: the next call tries again. */
  function opened(): Promise<Opened> {
    if (closed) throw new ProducerClosed()
    opening ??= open(named, settings).catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  return {
    async use(work) {
      const { place, session } = await opened()
      return failFast(place, () => work(session, place))
    },
    async close() {
      closed = true
      const last = opening
      opening = null
      // It failed before, and told whoever asked.
      const there = await last?.catch(() => null)
      await there?.close()
    },
  }
}

function targetOf({ redis }: ProducerSettings): RedisTarget | null {
  if (redis === undefined) return null
  return typeof redis === 'string' ? { url: redis } : redis
}

async function open(named: RedisTarget | null, settings: ProducerSettings): Promise<Opened> {
  const { target, leave } = named === null ? await joinPrivate(settings) : { target: named, leave: null }
  const place = describeTarget(target)
  try {
    const opening = openIn(target, settings)
    const session = await failFast(place, () => opening).catch((error: unknown) => {
      // It may come after all; nobody waits for it then.
      void opening.then(
        (late) => late.close(),
        () => undefined,
      )
      throw error
    })
    return {
      place,
      session,
      async close() {
        await session.close()
        await leave?.()
      },
    }
  } catch (error) {
    await leave?.()
    throw error
  }
}

async function joinPrivate({ dataDirectory, searchPath, onWarning }: ProducerSettings) {
  const { socketPath, leave } = await joinServer({
    dataDir: resolve(dataDirectory),
    searchPath,
    onError: (error) => onWarning?.((error as Error).message),
  })
  return { target: { socketPath }, leave }
}

function openIn(target: RedisTarget, { keyPrefix, queue, onWarning }: ProducerSettings): Promise<Session> {
  const warn = (text: string): void => onWarning?.(text)
  return openSession({
    target,
    keyPrefix,
    queue,
    role: 'client',
    onRedisLost: (error) => warn(error.message),
    onWarning: warn,
  })
}
