import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { DataDirectory } from '../src/batches/data-directory.js'
import { createDirectoryLease } from '../src/batches/lease.js'
import type { Limits } from '../src/batches/retention.js'
import { openSession, type RedisAccess, type Session } from '../src/batches/session.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import type { QueueConfig } from '../src/config.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { RedisFull } from '../src/redis/full.js'
import { RedisUnwritable } from '../src/redis/unwritable.js'
import type { RedisChange } from '../src/redis/watch.js'
import type { Role } from './role.js'
import { type Roles, startRoles } from './roles.js'

/** A queue that this process is to work for. */
export interface QueuePlan {
  readonly config: QueueConfig
  /** Null: it makes no calls for it. */
  readonly keyHolder: KeyHolder | null
}

export interface QueueWorkersOptions {
  readonly access: RedisAccess
  readonly keyPrefix: string
  readonly roles: ReadonlySet<Role>
  /** Null without the batch role. */
  readonly directory: DataDirectory | null
  readonly retention: Limits
  /** Calls in flight at most, for each queue; null: what its batches ask for. */
  readonly concurrency: number | null
  readonly log: Logger
  readonly onTrouble: (text: string) => void
  readonly onRedisChange: (change: RedisChange) => void
  readonly stop: AbortSignal
}

/** The workers of one queue in this process, with the connection that they use. */
export interface QueueWorkers {
  readonly session: Session
  readonly roles: Roles
}

const ROOM_LOOK_MS = 2000

/**
 * Opens a queue and starts its roles; nothing is left open when that fails. A Redis that is full (its memory, or its
 * disk) is told of once and tried again until there is room, or it is time to stop.
 */
export async function startQueueWorkers(
  plan: QueuePlan,
  options: QueueWorkersOptions,
): Promise<QueueWorkers> {
  let told = ''
  function tellOnce({ code, message }: RedisFull | RedisUnwritable): void {
    if (told === code) return
    told = code
    const full = code === 'redis_full'
    options.log.warn(
      { queue: plan.config.queue, code, err: message },
      full ? 'redis.full' : 'redis.unwritable',
    )
    options.onTrouble(full ? `${message}; it is tried again.` : message)
  }

  for (;;) {
    try {
      return await startOnce(plan, options)
    } catch (error) {
      const hasNoRoom = error instanceof RedisFull || error instanceof RedisUnwritable
      if (!hasNoRoom || options.stop.aborted) throw error
      tellOnce(error)
    }
    // Rejects only when the signal aborts, and then the next attempt is the last.
    await delay(ROOM_LOOK_MS, undefined, { signal: options.stop }).catch(() => undefined)
  }
}

async function startOnce(
  { config, keyHolder }: QueuePlan,
  options: QueueWorkersOptions,
): Promise<QueueWorkers> {
  const log = options.log.child({ queue: config.queue })
  const session = await openSession({
    target: options.access.target,
    keyPrefix: options.keyPrefix,
    queue: config.queue,
    role: 'worker',
    onRedisLost: (error) => log.warn({ err: error.message }, 'redis.lost'),
    onRedisChange: options.onRedisChange,
    onWarning(warning) {
      log.warn({ warning }, 'redis.warning')
      options.onTrouble(warning)
    },
  })
  try {
    return { session, roles: await startRoles(rolesOptions(session, config, keyHolder, options)) }
  } catch (error) {
    await session.close()
    throw error
  }
}

function rolesOptions(
  session: Session,
  { baseUrl, billingUrl, alerts, concurrency: ceiling, requestsPerMinute }: QueueConfig,
  keyHolder: KeyHolder | null,
  { directory, retention, roles, concurrency: wanted, log, onTrouble }: QueueWorkersOptions,
): Parameters<typeof startRoles>[0] {
  const { redis, keys } = session
  const holder = formatProcess(currentProcess())
  return {
    session,
    completion:
      keyHolder === null
        ? null
        : { keyHolder, baseUrl, billingUrl, concurrency: { wanted, ceiling }, requestsPerMinute },
    batch:
      directory === null
        ? null
        : { directory, lease: createDirectoryLease(redis, keys, directory.id, holder), retention },
    alert: roles.has('alert') ? alerts : null,
    log,
    onTrouble,
  }
}
