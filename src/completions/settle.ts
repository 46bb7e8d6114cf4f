import { DelayedError, type Job, WaitingError } from 'bullmq'
import type { FailedAttempt } from './attempts.js'
import type { Settlement } from './handle.js'

/**
 * Thrown to BullMQ for a try that used an attempt; its backoff strategy reads the delay from here. What BullMQ keeps
 * of a job's failures is their stacks: the attempt stands in the place of one.
 */
export class TryLater extends Error {
  readonly code = 'try_later'
  readonly delayMs: number
  constructor(delayMs: number, attempt: FailedAttempt) {
    super(attempt.code)
    this.delayMs = delayMs
    this.stack = JSON.stringify(attempt)
  }
}

/** For a defect of ours: BullMQ tries the job again after this long, and the error is in the log. */
const UNEXPECTED_DELAY_MS = 5000

/** BullMQ's `settings.backoffStrategy`. */
export function backoffStrategy(_made: number, _type?: string, error?: Error): number {
  return error instanceof TryLater ? error.delayMs : UNEXPECTED_DELAY_MS
}

/**
 * A settlement → the job's next state. The only place that knows BullMQ's moves.
 * With `give_back` the queue must be paused already (or this worker be closing): a job in `wait` is fetched at once.
 *
 * @throws what BullMQ wants thrown for each move
 */
export async function settle(job: Job, token: string, settlement: Settlement): Promise<void> {
  try {
    await move(job, token, settlement)
  } catch (error) {
    throw isLockLost(error) ? new WaitingError() : error
  }
}

/** BullMQ's codes: the job is gone, has no lock, is not active, has another's lock. */
const LOST = [-1, -2, -3, -6]

/** Whether BullMQ refused a move because the job is not ours any more: others took us for dead, and run it. */
export function isLockLost(error: unknown): boolean {
  return LOST.includes((error as { readonly code?: unknown } | null)?.code as number)
}

async function move(job: Job, token: string, settlement: Settlement): Promise<void> {
  switch (settlement.kind) {
    case 'leave':
      return
    case 'lost':
      // Nothing is moved: BullMQ only hears that there is nothing left to do.
      throw new WaitingError()
    case 'retry':
      throw new TryLater(settlement.delayMs, settlement.attempt)
    case 'delay':
      await note(job, settlement)
      await job.moveToDelayed(Date.now() + settlement.delayMs, token)
      throw new DelayedError()
    case 'give_back':
      await job.moveToWait(token)
      throw new WaitingError()
  }
}

/** What a job keeps of a try that used no attempt. */
async function note(job: Job, settlement: Extract<Settlement, { kind: 'delay' }>): Promise<void> {
  const { refusals, outages, suspect } = settlement
  if (refusals === undefined && outages === undefined && suspect === undefined) return
  const { data } = job
  await job.updateData({
    ...data,
    refusals: refusals ?? data.refusals,
    outages: outages ?? data.outages,
    suspect: suspect ?? data.suspect,
  })
}
