import type { Logger } from 'pino'
import type { KeyHolder } from '../src/completions/key-holder.js'
import type { Config } from '../src/config.js'
import { DEADLINES, type Deadlines } from './deadlines.js'
import { logEvent, type WorkerEvent } from './events.js'
import { followQueues } from './follow.js'
import { awaitLateQueues } from './late-queues.js'
import { type OpenWorkers, openWorkers } from './open-workers.js'
import { planQueue, planQueues, type SettingsOf, type UnreadyQueue } from './plan-queues.js'
import { keySourceOf, readKeysAgain } from './read-again.js'
import { ROLES, type Role } from './role.js'

export interface RunWorkersOptions {
  readonly config: Config
  readonly queues: readonly string[]
  readonly roles: ReadonlySet<Role>
  /** Calls in flight at most, for each queue; null: what its batches ask for. */
  readonly concurrency: number | null
  /** Ends when no batch is active and nothing waits in any of the queues. */
  readonly untilIdle: boolean
  readonly log: Logger
  /** For people; the log has it already. */
  readonly onEvent: (event: WorkerEvent) => void
  /** Come to an end in order: take no more jobs, let calls finish. */
  readonly stop: AbortSignal
  /** Abort the calls in flight, and put away what is there. */
  readonly stopNow: AbortSignal
  readonly deadlines?: Deadlines
  /** Names who is to be called when the settings are to be read again. */
  readonly onReload?: (listener: () => void) => void
}

/** `left`: Redis did not answer in time, so something is still open here: the process must be ended. */
export type WorkersEnd = 'in_order' | 'left'

/**
 * The workers of one process: any roles for any queues, each queue with a connection, gate, key and pool of its own,
 * so that trouble on one never touches another. Works until told to stop, or until nothing is left to do.
 *
 * @throws ApiKeyMissing, UnknownQueue, RedisUnavailable and the other reasons why nothing can start
 */
export async function runWorkers(options: RunWorkersOptions): Promise<WorkersEnd> {
  const { roles, log, stop } = options
  const settings = settingsOf(options)
  const tell = (event: WorkerEvent): void => {
    logEvent(log, event)
    options.onEvent(event)
  }
  const queues = [...new Set(options.queues)]
  const { ready, unready } = await planQueues(queues, settings, roles)
  const holders = new Set(ready.flatMap(({ keyHolder }) => keyHolder ?? []))
  options.onReload?.(() => void readKeysAgain(holders, log))
  const onTrouble = (text: string) => tell({ kind: 'trouble', text })
  const opening = openWorkers(ready, {
    ...options,
    onTrouble,
    onRedisChange: (change) => tell({ kind: 'redis', change }),
  })
  const workers = await Promise.race([opening, aborted(stop).then(() => null)])
  if (workers !== null) {
    const dataDirectory = workers.directory?.path ?? null
    const started = ready.map(({ config: { queue } }) => queue)
    tell({ kind: 'started', queues: started, roles: ROLES.filter((role) => roles.has(role)), dataDirectory })
    tellUnready(unready, tell)
    await untilDone(workers, unready, holders, tell, options)
  }
  return putAway(opening, workers, tell, options)
}

function settingsOf({ config, log }: RunWorkersOptions): SettingsOf {
  return { queue: config.queue, keySource: (queue) => keySourceOf(config, queue, log) }
}

function tellUnready(unready: readonly UnreadyQueue[], tell: (event: WorkerEvent) => void): void {
  for (const { queue, problem, mayAppear } of unready) {
    tell({ kind: 'not_started', queue, code: problem.code, text: problem.message, again: mayAppear })
  }
}

/** Tells what happens to the queues until it is time to stop. */
async function untilDone(
  { queues, directory, add }: OpenWorkers,
  unready: readonly UnreadyQueue[],
  holders: Set<KeyHolder>,
  tell: (event: WorkerEvent) => void,
  options: RunWorkersOptions,
): Promise<void> {
  const { roles, untilIdle, log, stop } = options
  const settings = settingsOf(options)
  const done = new AbortController()
  const until = done.signal
  const following = { roles, ownDirectory: directory?.id ?? null, tell, log, until }
  const idle = followQueues({ ...following, sessions: queues.map(({ session }) => session) })
  awaitLateQueues(unready, {
    plan: (queue) => planQueue(queue, settings, roles),
    async open(plan) {
      const { session } = await add(plan)
      if (plan.keyHolder !== null) holders.add(plan.keyHolder)
      tell({ kind: 'queue_started', queue: session.queue })
      void followQueues({ ...following, sessions: [session] })
    },
    log,
    until,
  })
  try {
    await Promise.race(untilIdle ? [idle, aborted(stop)] : [aborted(stop)])
  } finally {
    done.abort()
  }
}

/** Closes all queues at once, and waits no longer than the deadlines allow. */
async function putAway(
  opening: Promise<OpenWorkers>,
  workers: OpenWorkers | null,
  tell: (event: WorkerEvent) => void,
  { log, stop, stopNow, deadlines: { finishMs, putAwayMs } = DEADLINES }: RunWorkersOptions,
): Promise<WorkersEnd> {
  tell({ kind: 'stopping', why: stop.aborted ? 'told' : 'idle', inFlight: workers?.inFlight ?? 0, finishMs })
  const closing = opening.then((opened) => {
    void aborted(stopNow).then(opened.abort)
    return opened.close(finishMs)
  })
  const ended = closing.then(
    () => 'in_order' as const,
    (error: Error) => {
      log.error({ err: error.message }, 'worker.close_failed')
      return 'left' as const
    },
  )
  // What has not even started has no calls to wait for.
  const how = await Promise.race([ended, after(putAwayMs + (workers === null ? 0 : finishMs))])
  tell({ kind: 'stopped', how })
  return how
}

function after(ms: number): Promise<'left'> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'left' as const).unref())
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
