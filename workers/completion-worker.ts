import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { readAttempts } from '../src/completions/attempts.js'
import { LOCK_LOST } from '../src/completions/call.js'
import { handleRequest } from '../src/completions/handle.js'
import { keepLocks } from '../src/completions/keep-locks.js'
import { COMPLETIONS, wakeWorkers } from '../src/completions/queues.js'
import { type CompletionRequest, jobId, requestSchema } from '../src/completions/request.js'
import { backoffStrategy, isLockLost, settle, TryLater } from '../src/completions/settle.js'
import type { QueueKeys } from '../src/redis/keys.js'
import { isUnwritable, refusesWrites } from '../src/redis/unwritable.js'
import type { WorkerDeps } from './handle-deps.js'
import { createRest } from './rest.js'

/** Longer than a Redis that stalls for 20 s and a renewal after it; a dead worker is found by its heartbeat. */
const LOCK_MS = 120_000
const STALLED_CHECK_MS = 30_000
const UNEXPECTED_DELAY_MS = 5000
const STILL_RUNNING_DELAY_MS = 2000
/** Off, in effect: a crash of ours must not turn a request into a failed job. */
const STALLS_ALLOWED = 1_000_000

/** BullMQ tells of each such job twice. */
const NOT_RENEWED = 'could not renew lock'

export interface CompletionWorker {
  /** Stops taking jobs, lets calls finish until the deadline, then aborts them; every job goes on or goes back. */
  close(deadlineMs: number): Promise<void>
  /** Aborts the calls in flight now. */
  abort(): void
  /** Takes effect at once: more jobs are fetched although none has ended, or none until enough have. */
  setConcurrency(concurrency: number): void
  /** Whether this process works on the job now. */
  runs(jobId: string): boolean
}

export interface CompletionWorkerOptions {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly concurrency: number
  readonly log: Logger
  readonly deps: WorkerDeps
  /** Told of trouble in a sentence. */
  readonly onTrouble: (text: string) => void
  /** Told of every job that comes and goes. */
  readonly jobs?: { enter(): void; leave(): void }
}

/** The BullMQ worker that makes the calls of one queue. */
export function startCompletionWorker(options: CompletionWorkerOptions): CompletionWorker {
  const { redis, keys, log, deps, onTrouble, jobs } = options

  /** A defect of ours, or a Redis in trouble, is not the request's fault: no attempt used. */
  async function putOff(job: Job, token: string, error: unknown): Promise<never> {
    log.error({ jobId: job.id, err: error }, 'completion.unexpected_error')
    if (!isUnwritable(error))
      onTrouble(`A request could not be handled now, and is tried again: ${(error as Error).message}`)
    return settle(job, token, { kind: 'delay', delayMs: UNEXPECTED_DELAY_MS }) as Promise<never>
  }

  /** Token by job. */
  const running = new Map<string, string>()
  let gaveBack = false
  const worker = new Worker<CompletionRequest, void>(
    COMPLETIONS,
    // Three parameters, no defaults: BullMQ hands the signal only to processors that declare it.
    async (job, given, signal) => {
      const token = given ?? ''
      const request = parseRequest(job)
      const id = jobId(request)
      // It was given back while this process stood still, and came here again: what was sent for it may be answered.
      if (running.has(id)) return settle(job, token, { kind: 'delay', delayMs: STILL_RUNNING_DELAY_MS })
      running.set(id, token)
      jobs?.enter()
      const { attemptsMade: made, attemptsStarted: start, timestamp: fedAt } = job
      const { refusals = 0, outages = 0 } = request
      const tries = { made, refusals, outages, fedAt, history: readAttempts(job.stacktrace) }
      try {
        const own = { ...deps, verdict: () => deps.verdict({ ...request, token, start }) }
        await settle(job, token, await handleRequest(request, tries, signal ?? never(), own))
      } catch (error) {
        if (error instanceof WaitingError) gaveBack = true
        if (isMove(error)) throw error
        await putOff(job, token, error)
      } finally {
        running.delete(id)
        jobs?.leave()
      }
    },
    {
      connection: redis,
      prefix: keys.bullPrefix,
      name: deps.workerName,
      concurrency: options.concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: STALLS_ALLOWED,
      settings: { backoffStrategy },
    },
  )
  worker.on('lockRenewalFailed', (jobIds) => {
    // Another worker may run them now: what we still wait for would be paid for twice.
    for (const id of jobIds) worker.cancelJob(id, LOCK_LOST)
    log.warn({ jobIds }, 'completion.locks_lost')
  })
  const rest = createRest(worker)
  worker.on('error', (error) => {
    // Told above, or nothing: what was to be said of it was said by whoever runs it now.
    if (isLockLost(error)) return
    const refused = refusesWrites(error)
    if (refused && !rest.begin()) return
    if (!error.message.startsWith(NOT_RENEWED)) log.warn({ err: error.message }, 'completion.worker_error')
    if (!refused) return
    // One of the refused may be the renewal of locks; a call that outlives its lock would be aborted.
    keepLocks(redis, worker, running, LOCK_MS).catch((trouble: Error) =>
      log.warn({ err: trouble.message }, 'completion.locks_not_kept'),
    )
  })
  return {
    async close(deadlineMs) {
      const deadline = setTimeout(() => worker.cancelAllJobs('shutdown'), deadlineMs)
      rest.end()
      await worker.close()
      clearTimeout(deadline)
      if (gaveBack) await wakeWorkers(redis, worker)
    },
    abort: () => worker.cancelAllJobs('shutdown'),
    runs: (id) => running.has(id),
    setConcurrency(concurrency) {
      const more = concurrency > worker.concurrency
      worker.concurrency = concurrency
      if (more) fetchMore(worker)
    },
  }
}

/**
 * BullMQ looks at its concurrency when a job ends, and while slots are free. With all of them busy for a minute it
 * has to be woken, as its own `resume` does it: by something that has ended already.
 */
function fetchMore(worker: Worker): void {
  const { mainLoopQueue } = worker as unknown as {
    readonly mainLoopQueue: { add(ended: Promise<void>): void } | null
  }
  mainLoopQueue?.add(Promise.resolve())
}

/** What `settle` throws to tell BullMQ the job's next state. */
function isMove(error: unknown): boolean {
  return error instanceof DelayedError || error instanceof WaitingError || error instanceof TryLater
}

function parseRequest(job: Job): CompletionRequest {
  const parsed = requestSchema.safeParse(job.data)
  if (parsed.success) return parsed.data
  throw new UnrecoverableError('this job is no completion request of this version')
}

function never(): AbortSignal {
  return new AbortController().signal
}
