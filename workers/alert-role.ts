import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { endsByItself } from '../src/admission/endings.js'
import { noteIncident, readUncosted, tendIncident } from '../src/admission/incidents.js'
import type { EndsByItself } from '../src/alerts/incident-alert.js'
import { ALERTS, drainOutbox } from '../src/alerts/outbox.js'
import type { AlertSettings } from '../src/alerts/settings.js'
import { readLiveWorkers } from '../src/batches/live-workers.js'
import type { Session } from '../src/batches/session.js'
import { openQueue } from '../src/completions/queues.js'
import { readForecast } from '../src/credits/forecast.js'
import { startAlertWorker, TAKEN_OVER_MS } from './alert-worker.js'

/** The alerts of one queue in this process: the outbox, and the worker that delivers from it. */
export interface AlertRole {
  /** For housekeeping: reminds when it is time, and hands over what scripts have decided to tell. */
  enqueue(): Promise<unknown>
  /** Waits for what is due, for 10 s at most if nothing else is said. */
  close(deadlineMs?: number): Promise<void>
}

const DELIVERY_DEADLINE_MS = 10_000
const LOOK_MS = 50
/** Whoever waits for longer wants to know what for. */
const TELL_MS = 1500

/** @param onTrouble told in a sentence what the end waits for */
export function startAlertRole(
  session: Session,
  { channels, remindersMs }: AlertSettings,
  log: Logger,
  onTrouble: (text: string) => void = () => {},
): AlertRole {
  const { redis, keys, store } = session
  const queue = openQueue(ALERTS, redis, keys)
  const worker = startAlertWorker({ redis, keys, log, channels })
  const names = channels.map(({ name }) => name)
  const looks = {
    waiting: store.waiting,
    // An alert does not wait for what it would be nice to tell beside.
    async costToFinish(waiting: number) {
      try {
        return (await readForecast(redis, keys, waiting))?.costToFinishCents ?? null
      } catch (error) {
        log.warn({ err: (error as Error).message }, 'forecast.failed')
        return null
      }
    },
    async byItself(): Promise<EndsByItself> {
      const { endings } = await readLiveWorkers(session)
      return (reason) => endsByItself(reason, endings)
    },
  }
  async function enqueue(): Promise<void> {
    await tendIncident(redis, keys, remindersMs)
    await drainOutbox(redis, keys, queue, looks, names)
    await noteLateCost()
  }

  /** An alert goes out at once; what balances tell in the seconds after it is still worth noting. */
  async function noteLateCost(): Promise<void> {
    const incident = await readUncosted(redis, keys)
    const costToFinishCents = incident === null ? null : await looks.costToFinish(incident.waiting)
    if (incident === null || costToFinishCents === null) return
    await noteIncident(redis, keys, incident.id, { waiting: incident.waiting, costToFinishCents })
  }

  return {
    enqueue,
    async close(deadlineMs = DELIVERY_DEADLINE_MS) {
      await enqueue()
      await untilDelivered(redis, queue, log, deadlineMs, onTrouble)
      await worker.close()
      await queue.close()
    },
  }
}

/** Delivers what a process that died had still to tell; does nothing where nothing is left. */
export async function deliverLeft(
  session: Session,
  settings: AlertSettings,
  log: Logger,
  onTrouble: (text: string) => void,
): Promise<void> {
  const { redis, keys } = session
  const queue = openQueue(ALERTS, redis, keys)
  // One that waits for another try has had its time already; one under way may be that of a process that was killed.
  const { wait = 0, active = 0 } = await queue.getJobCounts('wait', 'active')
  await queue.close()
  if ((await redis.hlen(keys.outbox)) + wait + active === 0) return
  const role = startAlertRole(session, settings, log, onTrouble)
  await role.close(active > 0 ? TAKEN_OVER_MS : DELIVERY_DEADLINE_MS)
}

/**
 * What is not delivered by then stays in Redis, for the next process with this role. One whose next try comes later is
 * not waited for.
 */
async function untilDelivered(
  redis: Redis,
  queue: Queue,
  log: Logger,
  deadlineMs: number,
  onTrouble: (text: string) => void,
): Promise<void> {
  const startedAt = Date.now()
  const until = startedAt + deadlineMs
  let told = false
  for (;;) {
    const due = await dueUntil(redis, queue, until)
    if (due === 0) return
    if (!told && Date.now() - startedAt >= TELL_MS) {
      told = true
      onTrouble(
        `An alert is not delivered yet: this waits for it, ${deadlineMs / 1000} s at most. What is left then is ` +
          'delivered by the next worker (conduit-batch alerts list).',
      )
    }
    if (Date.now() >= until) return log.warn({ alerts: due }, 'alert.left_for_later')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/**
 * Deliveries that are under way, or will be by then (Unix ms). Looked at in one step: a job that moves between two looks
 * would be seen by neither. BullMQ's score of a delayed job is its time in ms, and 12 bits to order those of one ms.
 */
async function dueUntil(redis: Redis, queue: Queue, ms: number): Promise<number> {
  const counts = await redis
    .multi()
    .llen(queue.toKey('wait'))
    .llen(queue.toKey('active'))
    .zcount(queue.toKey('delayed'), '-inf', ms * 0x1000)
    .exec()
  return (counts ?? []).reduce((sum, [error, count]) => {
    if (error !== null) throw error
    return sum + Number(count)
  }, 0)
}
