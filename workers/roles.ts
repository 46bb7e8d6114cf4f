import type { Logger } from 'pino'
import { askForLease, type Lease } from '../src/admission/lease.js'
import { createPermits } from '../src/admission/permits.js'
import { ALERTS, drainOutbox } from '../src/alerts/outbox.js'
import type { BatchStore } from '../src/batches/batch-store.js'
import type { DataDirectory } from '../src/batches/data-directory.js'
import type { DirectoryLease } from '../src/batches/lease.js'
import type { Session } from '../src/batches/session.js'
import { bury } from '../src/completions/bury.js'
import { createFleet } from '../src/completions/fleet.js'
import type { HandleDeps } from '../src/completions/handle.js'
import type { KeyHolder } from '../src/completions/key-holder.js'
import { openQueue } from '../src/completions/queues.js'
import { askVerdict, record } from '../src/completions/record.js'
import type { BatchOptions } from '../src/completions/request.js'
import { createConduitClient } from '../src/conduit/client.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { startAlertWorker } from './alert.js'
import { startBatchWorker } from './batch.js'
import { startCompletionWorker } from './completion.js'
import { createFeedBudget } from './feed-budget.js'
import { startHousekeeping } from './housekeeping.js'
import { createGateMirror } from './gate-mirror.js'

export interface RolesOptions {
  readonly session: Session
  readonly directory: DataDirectory
  /** Held by this process already, or soon: the batch worker does nothing without it. */
  readonly lease: DirectoryLease
  readonly keyHolder: KeyHolder
  readonly baseUrl: string
  readonly alertWebhook: string | null
  readonly log: Logger
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

/** Connections a process may have open to Conduit; also the most calls it may have in flight. */
export const MOST_CONCURRENCY = 1000
const MOST_RATE_PER_SECOND = 1000
/** A probe's permit outlives the longest call by this much before another may go out. */
const PROBE_GRACE_MS = 30_000
const LONGEST_PROBE_MS = 300_000
const START_CONCURRENCY = 50
const OPTIONS_FRESH_MS = 5000

/** Starts all roles for one queue. */
export async function startRoles(options: RolesOptions): Promise<Roles> {
  const { session, directory, keyHolder, lease } = options
  const { redis, keys, gate, store, completions } = session
  const log = options.log.child({ queue: session.queue })
  const name = formatProcess(currentProcess())
  const conduit = createConduitClient({ baseUrl: options.baseUrl, connections: MOST_CONCURRENCY })
  const limits = {
    probeTimeoutMs: LONGEST_PROBE_MS + PROBE_GRACE_MS,
    maxRatePerSecond: MOST_RATE_PER_SECOND,
  }
  const permits = createPermits(
    (want, report) => askForLease(redis, keys, want, report, limits),
    (error) => log.warn({ err: (error as Error).message }, 'admission.lease_failed'),
  )
  const look = (): Promise<Lease> => permits.refresh()
  const mirror = createGateMirror({ queue: completions, gate, look, keyHolder, log })
  const fleet = createFleet(redis, keys, completions, name)
  const batchOptions = rememberOptions(store)
  const deps: HandleDeps = {
    verdict: (place) => askVerdict(redis, keys, place),
    record: (place, ending) => record(redis, keys, place, ending),
    options: batchOptions,
    count: store.count,
    permits,
    gate,
    conduit,
    apiKey: keyHolder.current,
    mirrorGate: mirror.sync,
    workerName: name,
    now: Date.now,
    random: Math.random,
    onOutcome(request, outcome, recorded) {
      const failure = 'failure' in outcome ? outcome.failure : null
      log.debug(
        {
          batchId: request.batch,
          jobId: `${request.batch}-${request.index}-${request.generation}`,
          requestId: failure === null ? 'requestId' in outcome && outcome.requestId : failure.requestId,
          status: failure?.status,
          code: failure?.code,
          recorded,
        },
        `completion.${outcome.kind}`,
      )
    },
  }

  await fleet.beat()
  await mirror.sync()
  const alertQueue = openQueue(ALERTS, redis, keys)
  const alerts = startAlertWorker({ redis, keys, log, webhook: options.alertWebhook })
  const worker = startCompletionWorker({ redis, keys, concurrency: START_CONCURRENCY, log, deps })
  const batches = startBatchWorker({
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
      record: deps.record,
      bury: (letters) => bury(session.deadLetters, letters),
      log,
      now: Date.now,
    },
    mayFeed: createFeedBudget(session, directory.id),
    log,
  })
  const deliver = () => drainOutbox(redis, keys, alertQueue, () => countWaiting(session))
  const housekeeping = startHousekeeping({
    steps: [
      mirror.sync,
      deliver,
      fleet.beat,
      async () => {
        const released = await fleet.releaseDead()
        if (released > 0) log.warn({ released }, 'completion.released_from_dead_workers')
      },
      async () => worker.setConcurrency(await wantedConcurrency(session, directory.id, batchOptions)),
    ],
    log,
  })

  return {
    async close(deadlineMs) {
      permits.close()
      await worker.close(deadlineMs)
      await permits.flush()
      await batches.close()
      await housekeeping.close()
      await deliver()
      await alertsDelivered(alertQueue)
      await alerts.close()
      await fleet.leave()
      await alertQueue.close()
      await conduit.close()
    },
    abort: worker.abort,
  }
}

/** Options change only when the same command is given again with others, so a few seconds' memory will do. */
function rememberOptions(store: BatchStore): (batch: string) => Promise<BatchOptions> {
  const known = new Map<string, { readonly options: Promise<BatchOptions>; readonly at: number }>()
  return (batch) => {
    const found = known.get(batch)
    if (found !== undefined && Date.now() - found.at < OPTIONS_FRESH_MS) return found.options
    const options = store.options(batch)
    known.set(batch, { options, at: Date.now() })
    options.catch(() => known.delete(batch))
    return options
  }
}

async function wantedConcurrency(
  session: Session,
  directoryId: string,
  options: (batch: string) => Promise<BatchOptions>,
): Promise<number> {
  const active = await session.store.active(directoryId)
  const wanted = await Promise.all(active.map(async (batch) => (await options(batch)).concurrency))
  return Math.min(MOST_CONCURRENCY, Math.max(1, ...wanted))
}

async function countWaiting(session: Session): Promise<number> {
  const active = await session.redis.smembers(session.keys.activeBatches)
  const marks = await Promise.all(active.map((batch) => session.store.marks(batch)))
  return marks.reduce((sum, batch) => sum + (batch ? batch.total - batch.completed - batch.failed : 0), 0)
}

const ALERTS_DEADLINE_MS = 10_000
const LOOK_MS = 50

/** Waits until every alert was tried with success, or the deadline: what is left stays in Redis for the next process. */
async function alertsDelivered(queue: ReturnType<typeof openQueue>): Promise<void> {
  const until = Date.now() + ALERTS_DEADLINE_MS
  while (Date.now() < until) {
    const counts = await queue.getJobCounts('wait', 'active', 'delayed')
    if ((counts.wait ?? 0) + (counts.active ?? 0) + (counts.delayed ?? 0) === 0) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
