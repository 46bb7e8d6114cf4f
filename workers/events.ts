import type { Logger } from 'pino'
import type { HoldNow } from '../src/batches/snapshot.js'
import type { RedisChange } from '../src/redis/watch.js'
import type { Role } from './role.js'

/** What happens to a process of workers, as people and the log are told it. */
export type WorkerEvent =
  | {
      readonly kind: 'started'
      readonly queues: readonly string[]
      readonly roles: readonly Role[]
      /** Where it feeds and collects; null without the batch role. */
      readonly dataDirectory: string | null
    }
  /** A queue that lacks something is not worked for. `again`: it is looked for, and the queue starts once it is there. */
  | {
      readonly kind: 'not_started'
      readonly queue: string
      readonly code: string
      readonly text: string
      readonly again: boolean
    }
  /** What it lacked has appeared. */
  | { readonly kind: 'queue_started'; readonly queue: string }
  | { readonly kind: 'paused'; readonly queue: string; readonly holds: readonly HoldNow[] }
  /** The gate is open; `probing`: one call goes first. */
  | { readonly kind: 'resumed'; readonly queue: string; readonly probing: boolean }
  /** Calls of many requests fail and none succeeds; since when: Unix ms, Redis time, null when not known. */
  | { readonly kind: 'outage'; readonly queue: string; readonly since: number | null }
  | { readonly kind: 'outage_ended'; readonly queue: string; readonly since: number | null }
  | ({ readonly kind: 'lacking'; readonly queue: string } & Lack)
  | {
      readonly kind: 'stopping'
      /** Told to, or because nothing is left to do. */
      readonly why: 'told' | 'idle'
      readonly inFlight: number
      readonly finishMs: number
    }
  /** `left`: not everything could be put away; what is missing is taken over as from a process that died. */
  | { readonly kind: 'stopped'; readonly how: 'in_order' | 'left' }
  /** Redis does not answer, or does again. */
  | { readonly kind: 'redis'; readonly change: RedisChange }
  /** Something stands in the way now, and is tried again. */
  | { readonly kind: 'trouble'; readonly text: string }

/** Work that waits for a role which no process has. */
export type Lack =
  | { readonly role: 'completion' }
  /** Active batches of one data directory, and where the first of them writes its answers. */
  | { readonly role: 'batch'; readonly batches: readonly string[]; readonly output: string }
  /** So many endings of single requests to keep, and retries of them to feed. */
  | { readonly role: 'batch'; readonly inbox: number }

/** Writes an event to the log. Trouble is not: whoever met it has logged it with its error. */
export function logEvent(log: Logger, event: WorkerEvent): void {
  switch (event.kind) {
    case 'started': {
      const { queues, roles, dataDirectory } = event
      log.info({ queues, roles, pid: process.pid, dataDirectory }, 'worker.started')
      break
    }
    case 'not_started': {
      const { queue, code, text, again } = event
      log.error({ queue, code, err: text, again }, 'queue.not_started')
      break
    }
    case 'queue_started':
      log.info({ queue: event.queue }, 'queue.started')
      break
    case 'paused': {
      const holds = event.holds.map(({ reason, code, requestId, until }) => ({
        reason,
        code,
        requestId,
        until,
      }))
      log.warn({ queue: event.queue, holds }, 'queue.paused')
      break
    }
    case 'resumed':
      log.info({ queue: event.queue, probing: event.probing }, 'queue.resumed')
      break
    case 'outage':
      log.warn({ queue: event.queue, since: event.since }, 'queue.outage')
      break
    case 'outage_ended':
      log.info({ queue: event.queue, since: event.since }, 'queue.outage_ended')
      break
    case 'lacking': {
      const { kind: _, ...fields } = event
      log.warn(fields, 'queue.lacks_role')
      break
    }
    case 'stopping':
      log.info({ why: event.why, inFlight: event.inFlight }, 'worker.stopping')
      break
    case 'stopped':
      log.info({ how: event.how }, 'worker.stopped')
      break
    case 'redis':
      log.warn(event.change, `redis.${event.change.kind}`)
      break
    case 'trouble':
      break
  }
}
