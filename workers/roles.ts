import type { Logger } from 'pino'
import type { AlertSettings } from '../src/alerts/settings.js'
import type { DataDirectory } from '../src/batches/data-directory.js'
import type { DirectoryLease } from '../src/batches/lease.js'
import { registerLost } from '../src/batches/register-lost.js'
import type { Limits } from '../src/batches/retention.js'
import type { Session } from '../src/batches/session.js'
import { createDeadLetters } from '../src/completions/dead-letters/dead-letters.js'
import { record } from '../src/completions/record.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { startAlertRole } from './alert-role.js'
import { startBatchWorker } from './batch-worker.js'
import { closeInOrder } from './close-in-order.js'
import type { CompletionRoleOptions } from './completion-options.js'
import { startCompletionRole } from './completion-role.js'
import { createDiskWatch } from './disk-watch.js'
import { createFeedBudget } from './feed-budget.js'
import { startHousekeeping } from './housekeeping.js'
import { startInboxWorker } from './inbox-worker.js'
import { startRetention } from './retention.js'

/** What feeding and collecting needs: where the files are, and the right to work there. */
export interface BatchRoleOptions {
  readonly directory: DataDirectory
  /** Held by this process already, or soon: the batch worker does nothing without it, and takes it when it is free. */
  readonly lease: DirectoryLease
  /** How long what has ended is kept; without it nothing is removed. */
  readonly retention?: Limits
}

/** The roles of one process for one queue, each with what it needs; null: not here. */
export interface RolesOptions {
  readonly session: Session
  readonly completion: CompletionRoleOptions | null
  readonly batch: BatchRoleOptions | null
  readonly alert: AlertSettings | null
  readonly log: Logger
  /** Told of trouble that stands in the way now, in a sentence; it is tried again. */
  readonly onTrouble: (text: string) => void
}

/** All roles at once, as `run` has them. */
export type AllRolesOptions = { readonly [K in keyof RolesOptions]: NonNullable<RolesOptions[K]> }

/** The workers of one queue in this process. */
export interface Roles {
  /** Calls that are out. */
  readonly inFlight: number
  /**
   * Takes no more jobs, lets the calls in flight finish until the deadline and aborts them then, writes what came,
   * and delivers the alerts that are due. Every job is done or back in its place.
   */
  close(deadlineMs: number): Promise<void>
  /** Aborts the calls in flight: the deadline is now. */
  abort(): void
}

/** Starts roles for one queue. */
export async function startRoles({
  session,
  log: parent,
  onTrouble,
  ...wanted
}: RolesOptions): Promise<Roles> {
  const log = parent.child({ queue: session.queue })
  const completion =
    wanted.completion === null ? null : await startCompletionRole(session, wanted.completion, log, onTrouble)
  const alert = wanted.alert === null ? null : startAlertRole(session, wanted.alert, log, onTrouble)
  const batch = wanted.batch === null ? null : startBatches(session, wanted.batch, log, onTrouble)
  const retention = wanted.batch === null ? null : startLimits(session, wanted.batch, log)
  const inbox = wanted.batch === null ? null : startInbox(session, log, onTrouble)
  const housekeeping = startHousekeeping({
    steps: [...(completion?.steps ?? []), ...(alert === null ? [] : [alert.enqueue])],
    log,
  })

  return {
    get inFlight() {
      return completion?.inFlight ?? 0
    },
    async close(deadlineMs) {
      await closeInOrder([
        () => completion?.finish(deadlineMs),
        () => retention?.close(),
        () => batch?.close(),
        () => inbox?.close(),
        () => housekeeping.close(),
        () => alert?.close(),
        () => completion?.leave(),
      ])
    },
    abort: () => completion?.abort(),
  }
}

function startLimits(
  session: Session,
  { directory, lease, retention: limits }: BatchRoleOptions,
  log: Logger,
): { close(): Promise<void> } | null {
  return limits === undefined ? null : startRetention({ session, directory, lease, limits, log })
}

function startBatches(
  session: Session,
  { directory, lease }: BatchRoleOptions,
  log: Logger,
  onTrouble: (text: string) => void,
) {
  const { redis, keys, store, completions, deadLetters, gate } = session
  let toldElsewhere = ''
  return startBatchWorker({
    lease,
    store,
    work: {
      directory,
      directoryId: directory.id,
      leaseToken: () => lease.token,
      leaseIsSure: () => lease.isSure,
      queue: completions,
      redis,
      keys,
      store,
      record: (place, ending) => record(redis, keys, place, ending),
      bury: createDeadLetters(redis, keys, deadLetters).bury,
      log,
      now: Date.now,
    },
    budget: createFeedBudget(session),
    mayFeed: async () => !(await gate.lacksRoom()),
    disk: createDiskWatch({ gate, directory, name: formatProcess(currentProcess()), log }),
    async registerLost() {
      const { registered, elsewhere } = await registerLost(session, directory)
      if (registered.length > 0) log.warn({ batches: registered }, 'batch.registered_again')
      // Asked again and again, and told once.
      if (elsewhere.length > 0 && elsewhere.join() !== toldElsewhere)
        log.warn({ batches: elsewhere }, 'batch.worked_on_elsewhere')
      toldElsewhere = elsewhere.join()
      return elsewhere.length === 0
    },
    log,
    onTrouble,
  })
}

function startInbox(session: Session, log: Logger, onTrouble: (text: string) => void) {
  const { redis, keys, deadLetters } = session
  const { bury } = createDeadLetters(redis, keys, deadLetters)
  return startInboxWorker({ session, bury, log, onTrouble })
}
