import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { WorkerEvent } from '../../../workers/events.js'
import { accessRedis } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { connectRedis } from '../../redis/connect.js'
import { registryKey } from '../../redis/keys.js'
import type { RedisTarget } from '../../redis/target.js'
import { openBoardQueues } from '../../server/board-queues.js'
import { createReadiness, type WorkersPhase } from '../../server/readiness.js'
import { createServer } from '../../server/server.js'
import { listen } from './listen.js'

export interface FaceOptions {
  readonly config: Config
  /** Queues that are served here; those that are set up or were ever used are shown too. */
  readonly queues: readonly string[]
  readonly host: string
  readonly port: number
  readonly log: Logger
}

/** What `serve` shows beside its workers. */
export interface Face {
  readonly url: string
  /** Follows the workers, for `/readyz`; stops listening when they stop. */
  follow(event: WorkerEvent): void
  /** Stops listening and leaves Redis. */
  close(): Promise<void>
}

/**
 * Listens, with a connection to Redis of its own: it fails soon when Redis is away, where those of workers wait.
 * @throws CannotListen, RedisUnavailable, RedisNotInstalled, RedisStartFailed
 */
export async function openFace(options: FaceOptions): Promise<Face> {
  const { config, host, port, log } = options
  const onLost = (error: unknown) => log.warn({ err: (error as Error).message }, 'redis.lost')
  const access = await accessRedis(config, onLost)
  let phase: WorkersPhase = 'starting'
  let face: OpenServer | null = null
  const close = async () => {
    await face?.close()
    await access.leave()
  }
  try {
    face = await openServer(access.target, options, () => phase, onLost)
    const { server } = face
    const url = await listen(server, host, port)
    log.info({ url }, 'server.listening')
    const follow = ({ kind }: WorkerEvent): void => {
      if (kind === 'started') phase = 'working'
      if (kind !== 'stopping') return
      phase = 'stopping'
      void server.close()
    }
    return { url, follow, close }
  } catch (error) {
    await close()
    throw error
  }
}

interface OpenServer {
  readonly server: FastifyInstance
  close(): Promise<void>
}

async function openServer(
  target: RedisTarget,
  { config: { keyPrefix, token, queues: setUp }, queues, log }: FaceOptions,
  workers: () => WorkersPhase,
  onLost: (error: Error) => void,
): Promise<OpenServer> {
  const redis = await connectRedis(target, 'client', onLost)
  const registry = registryKey(keyPrefix)
  const everUsed = await redis.smembers(registry).catch((error: unknown) => {
    redis.disconnect()
    throw error
  })
  const shown = openBoardQueues(redis, keyPrefix, [...new Set([...queues, ...setUp, ...everUsed.sort()])])
  const ready = createReadiness({ redis, registry, queue: queues[0] ?? 'default', workers })
  const server = createServer({ queues: shown, token, ready, log })
  return {
    server,
    async close() {
      await server.close()
      await Promise.all(shown.map(({ bull }) => bull.close()))
      redis.disconnect()
    },
  }
}
