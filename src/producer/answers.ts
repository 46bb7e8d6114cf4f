import type { Redis } from 'ioredis'
import { readStoredRequests, type StoredRequest } from '../batches/inbox/stored-request.js'
import { RedisUnavailable } from '../redis/unavailable.js'
import { ProducerClosed } from './errors.js'
import type { Link } from './link.js'

/** What a request is once there is nothing to wait for any more. */
export type Settled = Exclude<StoredRequest, { kind: 'open' }>

/** Tells of requests that have ended. One subscription serves all that are waited for. */
export interface Answers {
  /** Gives what Redis knows now. */
  look(index: number): Promise<StoredRequest>
  /** Begins to wait. */
  wait(index: number): Waiting
  /** Rejects all that wait. */
  close(): Promise<void>
}

export interface Waiting {
  /** @throws RedisUnavailable when it is away at the beginning, or for a minute later */
  readonly settled: Promise<Settled>
  /** Nobody is interested any more. */
  stop(): void
}

/** A message that got lost with a connection is made up for after this long. */
const LOOK_AGAIN_MS = 5000
/** Longer than Redis takes to restart; whoever waits may ask again. */
const PATIENCE_MS = 60_000
const LOOKED_AT_ONCE = 200

interface Waiter {
  readonly index: number
  readonly resolve: (settled: Settled) => void
  readonly reject: (error: unknown) => void
}

/** Answers to the requests of a queue's inbox. Its own connection listens, opened when somebody first waits. */
export function createAnswers(link: Link): Answers {
  const waiters = new Set<Waiter>()
  let subscriber: Promise<Redis> | null = null
  /** The connection that listens, or is about to. */
  let listening: Redis | null = null
  let timer: NodeJS.Timeout | null = null
  let awaySince: number | null = null

  function subscribed(): Promise<Redis> {
    subscriber ??= link.use(subscribe).catch((error: unknown) => {
      subscriber = null
      // It may still hang on a Redis that answers nothing.
      hangUp()
      throw error
    })
    return subscriber
  }

  function hangUp(): void {
    listening?.disconnect()
    listening = null
  }

  async function subscribe({ redis, keys }: Parameters<Parameters<Link['use']>[0]>[0]): Promise<Redis> {
    const own = redis.duplicate({ lazyConnect: true })
    listening = own
    // Looked at again and again anyway; and the other connection tells of its loss.
    own.on('error', () => undefined)
    own.on('message', (_channel: string, indexes: string) => {
      const told = new Set(indexes.split(' ').map(Number))
      void check([...waiters].filter(({ index }) => told.has(index)))
    })
    await own.subscribe(keys.inbox.answered)
    // From now on each is a reconnection: what was told meanwhile was told to nobody.
    own.on('ready', () => void check([...waiters]))
    return own
  }

  async function check(asked: readonly Waiter[]): Promise<void> {
    try {
      for (let at = 0; at < asked.length; at += LOOKED_AT_ONCE) {
        await checkPortion(asked.slice(at, at + LOOKED_AT_ONCE))
      }
      awaySince = null
    } catch (error) {
      awaySince ??= performance.now()
      const isLong = performance.now() - awaySince >= PATIENCE_MS
      if (error instanceof RedisUnavailable && !isLong) return
      for (const waiter of asked) finish(waiter, () => waiter.reject(error))
    }
  }

  async function checkPortion(asked: readonly Waiter[]): Promise<void> {
    const stored = await lookAt(asked.map(({ index }) => index))
    for (const [i, waiter] of asked.entries()) {
      const found = stored[i]
      if (found !== undefined && found.kind !== 'open') finish(waiter, () => waiter.resolve(found))
    }
  }

  function lookAt(indexes: readonly number[]): Promise<StoredRequest[]> {
    return link.use(({ redis, keys }) => readStoredRequests(redis, keys, indexes))
  }

  function finish(waiter: Waiter, settle: () => void): void {
    if (waiters.delete(waiter)) settle()
    if (waiters.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  /** Listens first and looks then, so that nothing falls between the two. */
  async function begin(waiter: Waiter): Promise<void> {
    try {
      await subscribed()
      // A Redis that was there a moment ago is borne with.
      await check([waiter])
    } catch (error) {
      finish(waiter, () => waiter.reject(error))
    }
  }

  return {
    async look(index) {
      const [stored] = await lookAt([index])
      return stored ?? { kind: 'unknown' }
    },
    wait(index) {
      const { promise, resolve, reject } = withResolvers<Settled>()
      const waiter = { index, resolve, reject }
      waiters.add(waiter)
      timer ??= setInterval(() => void check([...waiters]), LOOK_AGAIN_MS)
      void begin(waiter)
      return { settled: promise, stop: () => finish(waiter, () => undefined) }
    },
    async close() {
      for (const waiter of [...waiters]) finish(waiter, () => waiter.reject(new ProducerClosed()))
      const last = subscriber
      subscriber = null
      hangUp()
      // When it fails, whoever waited was told; when it still came to listen, that ends here.
      await last?.catch(() => null)
      hangUp()
    },
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
