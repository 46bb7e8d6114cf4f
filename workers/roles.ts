import type { Queue } from 'bullmq'
import type { Logger } from 'pino'
import { ALERTS, drainOutbox } from '../src/alerts/outbox.js'
import type { DataDirectory } from '../src/batches/data-directory.js'
import type { DirectoryLease } from '../src/batches/lease.js'
import type { Session } from '../src/batches/session.js'
import { createDeadLetters } from '../src/completions/dead-letters/dead-letters.js'
import { createFleet } from '../src/completions/fleet.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import { openQueue } from '../src/completions/queues.js'
import { record } from '../src/completions/record.js'
import { createConduitClient } from '../src/conduit/client.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { createAdmission } from './admission.js'
import { startAlertWorker } from './alert-worker.js'
import { startBatchWorker } from './batch-worker.js'
import { startCompletionWorker } from './completion-worker.js'
import { createConcurrency, MOST_CONCURRENCY } from './concurrency.js'
import { createFeedBudget } from './feed-budget.js'
import { createHandleDeps } from './handle-deps.js'
import { startHousekeeping } from './housekeeping.js'

export interface RolesOptions {
  readonly session: Session
  readonly directory: DataDirectory
  /** Held by this process already, or soon: the batch worker does nothing without it. */
  readonly lease: DirectoryLease
  readonly keyHolder: KeyHolder
  readonly baseUrl: string
  readonly alertWebhook: string | null
  readonly log: Logger
  /** Told of trouble that stands in the way now, in a sentence; it is tried again. */
  readonly onTrouble: (text: string) => void
}

/** The workers of one queue in this process: completions, batches, alerts. */
export interface Roles {
  /**
   * Takes no more jobs, lets the calls in flight finish until the deadline and aborts them then, writes what came,
   * and delivers the alerts that are due. Every job is done or back in its place.
   */
  close(deadlineMs: number): Promise<void>
  /** Aborts the calls in flight: the deadline is now. */
  abort(): void
}

/** After a reconnection, jobs that a lost reply handed out are looked for this long. */
const ORPHANS_MS = 10_000

/** Starts all roles for one queue. */
export async function startRoles(options: RolesOptions): Promise<Roles> {
  const { session, keyHolder, onTrouble } = options
  const { redis, keys, completions } = session
  const log = options.log.child({ queue: session.queue })
  const name = formatProcess(currentProcess())
  const fleet = createFleet(redis, keys, completions, name)
  // Before the first job: whoever finds us dead must know whose the jobs are.
  await fleet.beat()

  const conduit = createConduitClient({ baseUrl: options.baseUrl, connections: MOST_CONCURRENCY })
  const admission = createAdmission(session, keyHolder, log)
  await admission.mirrorGate()
  const deps = createHandleDeps({ session, admission, conduit, keyHolder, workerName: name, log, onTrouble })
  const concurrency = createConcurrency(session, options.directory.id, deps.options)
  const worker = startCompletionWorker({
    redis,
    keys,
    concurrency: await concurrency(),
    log,
    deps,
    onTrouble,
  })
  const alerts = startAlerts(session, options.alertWebhook, log)
  const batches = startBatches(options, log)
  let orphansUntil = 0
  const expectOrphans = () => {
    orphansUntil = Date.now() + ORPHANS_MS
  }
  redis.on('ready', expectOrphans)
  const housekeeping = startHousekeeping({
    steps: [
      admission.mirrorGate,
      alerts.enqueue,
      fleet.beat,
      async () => {
        const released = await fleet.releaseDead()
        if (released.length === 0) return
        log.warn({ released: released.length }, 'completion.released_from_dead_workers')
        // Their calls were out, as far as anybody knows.
        for (const { batch } of released) await session.store.count(batch, 'maybeBilled')
      },
      async () => {
        if (Date.now() > orphansUntil) return
        const released = await fleet.releaseOrphans(worker.runs)
        if (released > 0) log.warn({ released }, 'completion.released_after_reconnection')
      },
      async () => worker.setConcurrency(await concurrency()),
    ],
    log,
  })

  return {
    async close(deadlineMs) {
      redis.off('ready', expectOrphans)
      admission.permits.close()
      await worker.close(deadlineMs)
      await admission.permits.flush()
      await batches.close()
      await housekeeping.close()
      await alerts.close()
      await fleet.leave()
      await conduit.close()
    },
    abort: worker.abort,
  }
}

function startBatches({ session, directory, lease, onTrouble }: RolesOptions, log: Logger) {
  const { redis, keys, store, completions, deadLetters } = session
  return startBatchWorker({
    lease,
    store,
    work: {
      directory,
      directoryId: directory.id,
      leaseToken: () => lease.token,
      queue: completions,
      redis,
      keys,
      store,
      record: (place, ending) => record(redis, keys, place, ending),
      bury: createDeadLetters(redis, keys, deadLetters).bury,
      log,
      now: Date.now,
    },
    mayFeed: createFeedBudget(session, directory.id),
    log,
    onTrouble,
  })
}

/** The outbox and the worker that delivers from it; closing waits for what is due. */
function startAlerts({ redis, keys, store }: Session, webhook: string | null, log: Logger) {
  const queue = openQueue(ALERTS, redis, keys)
  const worker = startAlertWorker({ redis, keys, log, webhook })
  const enqueue = () => drainOutbox(redis, keys, queue, store.waiting)
  return {
    enqueue,
    async close() {
      await enqueue()
      await untilDelivered(queue, log)
      await worker.close()
      await queue.close()
    },
  }
}

const DELIVERY_DEADLINE_MS = 10_000
const LOOK_MS = 50

/** What is not delivered by then stays in Redis, for the next process with this role. */
async function untilDelivered(queue: Queue, log: Logger): Promise<void> {
  const until = Date.now() + DELIVERY_DEADLINE_MS
  for (;;) {
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed')
    if (wait + active + delayed === 0) return
    if (Date.now() >= until) return log.warn({ alerts: wait + active + delayed }, 'alert.left_for_later')
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
