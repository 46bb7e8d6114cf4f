import type { Logger } from 'pino'
import type { DataDirectory } from '../src/batches/data-directory.js'
import { createDirectoryLease } from '../src/batches/lease.js'
import type { Limits } from '../src/batches/retention.js'
import { openSession, type RedisAccess, type Session } from '../src/batches/session.js'
import { ApiKeyMissing, createKeyHolder, type KeyHolder } from '../src/completions/key-holder.js'
import type { QueueConfig } from '../src/config.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
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
}

/** The workers of one queue in this process, with the connection that they use. */
export interface QueueWorkers {
  readonly session: Session
  readonly roles: Roles
}

/**
 * Reads the keys of all queues, so that a missing one is told before anything starts.
 * @throws ApiKeyMissing, with all that are missing
 */
export async function planQueues(
  configs: readonly QueueConfig[],
  roles: ReadonlySet<Role>,
): Promise<QueuePlan[]> {
  const missing: string[] = []
  const plans: QueuePlan[] = []
  for (const config of configs) {
    const keyHolder = roles.has('completion')
      ? await createKeyHolder(config).catch((error: unknown) => {
          if (!(error instanceof ApiKeyMissing)) throw error
          missing.push(error.message)
          return null
        })
      : null
    plans.push({ config, keyHolder })
  }
  if (missing.length > 0) throw new ApiKeyMissing([...new Set(missing)].join('\n'))
  return plans
}

/** Opens a queue and starts its roles; nothing is left open when that fails. */
export async function startQueueWorkers(
  { config, keyHolder }: QueuePlan,
  options: QueueWorkersOptions,
): Promise<QueueWorkers> {
  const log = options.log.child({ queue: config.queue })
  const session = await openSession({
    target: options.access.target,
    keyPrefix: options.keyPrefix,
    queue: config.queue,
    role: 'worker',
    onRedisLost(error) {
      log.warn({ err: error.message }, 'redis.lost')
      options.onTrouble(`${error.message}; it is tried again.`)
    },
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
  { baseUrl, alertWebhook, concurrency: ceiling, requestsPerMinute }: QueueConfig,
  keyHolder: KeyHolder | null,
  { directory, retention, roles, concurrency: wanted, log, onTrouble }: QueueWorkersOptions,
): Parameters<typeof startRoles>[0] {
  const { redis, keys } = session
  const holder = formatProcess(currentProcess())
  return {
    session,
    completion:
      keyHolder === null ? null : { keyHolder, baseUrl, concurrency: { wanted, ceiling }, requestsPerMinute },
    batch:
      directory === null
        ? null
        : { directory, lease: createDirectoryLease(redis, keys, directory.id, holder), retention },
    alert: roles.has('alert') ? { webhook: alertWebhook } : null,
    log,
    onTrouble,
  }
}
