import type { Logger } from 'pino'
import { type DataDirectory, openDataDirectory } from '../src/batches/data-directory.js'
import { accessRedis, type RedisAccess } from '../src/batches/session.js'
import type { Config } from '../src/config.js'
import { type RedisChange, tellOnce } from '../src/redis/watch.js'
import { type QueuePlan, type QueueWorkers, startQueueWorkers } from './queue-workers.js'
import type { Role } from './role.js'

export interface OpenWorkersOptions {
  readonly config: Config
  readonly roles: ReadonlySet<Role>
  readonly concurrency: number | null
  readonly log: Logger
  readonly onTrouble: (text: string) => void
  /** Told when Redis does not answer for seconds, and when it does again. */
  readonly onRedisChange: (change: RedisChange) => void
  /** What waits for Redis to have room stops waiting. */
  readonly stop: AbortSignal
}

/** Everything that a process of workers holds open. */
export interface OpenWorkers {
  readonly queues: readonly QueueWorkers[]
  /** Where it feeds and collects; null without the batch role. */
  readonly directory: DataDirectory | null
  /** Calls that are out, of all queues. */
  readonly inFlight: number
  /** Closes all queues at the same time, each as `Roles.close` does, and leaves Redis. */
  close(finishMs: number): Promise<void>
  abort(): void
  /** Opens one more queue. */
  add(plan: QueuePlan): Promise<QueueWorkers>
}

/** Opens Redis and all queues; nothing is left open when one of them fails. */
export async function openWorkers(
  plans: readonly QueuePlan[],
  options: OpenWorkersOptions,
): Promise<OpenWorkers> {
  const { config, roles, onTrouble } = options
  const directory = roles.has('batch') ? await openDataDirectory(config.dataDirectory) : null
  const access = await accessRedis(config, (error) => onTrouble((error as Error).message))
  const { keyPrefix, retention } = config
  const onRedisChange = tellOnce(options.onRedisChange)
  const queues: QueueWorkers[] = []
  const adding = new Set<Promise<unknown>>()
  async function open(plan: QueuePlan): Promise<QueueWorkers> {
    const queue = await startQueueWorkers(plan, {
      ...options,
      access,
      keyPrefix,
      retention,
      directory,
      onRedisChange,
    })
    queues.push(queue)
    return queue
  }
  try {
    for (const plan of plans) await open(plan)
  } catch (error) {
    await closeAll(queues, access, 0)
    throw error
  }
  return {
    queues,
    directory,
    get inFlight() {
      return queues.reduce((sum, { roles }) => sum + roles.inFlight, 0)
    },
    async close(finishMs) {
      await Promise.allSettled(adding)
      await closeAll(queues, access, finishMs)
    },
    abort() {
      for (const { roles } of queues) roles.abort()
    },
    add(plan) {
      const added = open(plan)
      adding.add(added)
      return added.finally(() => adding.delete(added))
    },
  }
}

/** Trouble with one queue keeps none of the others from being put away. */
async function closeAll(
  queues: readonly QueueWorkers[],
  access: RedisAccess,
  finishMs: number,
): Promise<void> {
  const ends = await Promise.allSettled(queues.map((queue) => closeOne(queue, finishMs)))
  await access.leave()
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

async function closeOne({ roles, session }: QueueWorkers, finishMs: number): Promise<void> {
  try {
    await roles.close(finishMs)
  } finally {
    await session.close()
  }
}
