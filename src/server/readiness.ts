import { setTimeout as after } from 'node:timers/promises'
import type { Redis } from 'ioredis'

/** Whether work can be done here now; if not, what is in the way, in a code and a sentence. */
export type Readiness = { readonly kind: 'ready' } | ({ readonly kind: 'not_ready' } & Obstacle)

export interface Obstacle {
  readonly code:
    | 'redis_unavailable'
    | 'redis_full'
    | 'redis_refuses'
    | 'workers_starting'
    | 'workers_stopping'
  readonly message: string
}

export type WorkersPhase = 'starting' | 'working' | 'stopping'

export interface ReadinessOptions {
  readonly redis: Redis
  /** The set of all queues, and one that is in it: adding it again changes nothing, and is refused when Redis is full. */
  readonly registry: string
  readonly queue: string
  readonly workers: () => WorkersPhase
  readonly deadlineMs?: number
}

const DEADLINE_MS = 2_000

const UNAVAILABLE: Obstacle = {
  code: 'redis_unavailable',
  message: 'Redis does not answer. Check that it runs and that REDIS_URL is right; it is tried again.',
}
const STARTING: Obstacle = { code: 'workers_starting', message: 'The workers are starting.' }
const STOPPING: Obstacle = { code: 'workers_stopping', message: 'The workers are stopping.' }

/** Gives a look at the workers and at Redis: does it answer, and does it take writes? Who asks meanwhile shares it. */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  let looking: Promise<Readiness> | null = null
  return () => {
    looking ??= look(options).finally(() => {
      looking = null
    })
    return looking
  }
}

async function look({ redis, registry, queue, workers, deadlineMs }: ReadinessOptions): Promise<Readiness> {
  const phase = workers()
  if (phase !== 'working') return { kind: 'not_ready', ...(phase === 'starting' ? STARTING : STOPPING) }
  const giveUp = new AbortController()
  const written = redis.sadd(registry, queue).then(() => null, obstacleOf)
  // A Redis that hangs keeps the command for ever; it rejects only when the answer is there.
  const late = after(deadlineMs ?? DEADLINE_MS, UNAVAILABLE, { signal: giveUp.signal }).catch(() => null)
  const obstacle = await Promise.race([written, late])
  giveUp.abort()
  return obstacle === null ? { kind: 'ready' } : { kind: 'not_ready', ...obstacle }
}

/** A reply of Redis begins with the kind of its error; whatever else went wrong is the connection. */
function obstacleOf(error: Error): Obstacle {
  if (error.name !== 'ReplyError') return UNAVAILABLE
  const [kind = ''] = error.message.split(' ', 1)
  if (kind === 'OOM') {
    return {
      code: 'redis_full',
      message: 'Redis is full and takes no more writes. Give it more memory (maxmemory).',
    }
  }
  return { code: 'redis_refuses', message: `Redis refuses writes (${kind}). Its own log tells why.` }
}
