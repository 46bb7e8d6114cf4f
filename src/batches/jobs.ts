import { setTimeout } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import { KEPT_ATTEMPTS } from '../completions/attempts.js'
import { type CompletionRequest, jobId } from '../completions/request.js'
import { type TurnsDeps, takeTurns } from '../completions/turns/turns.js'

/** BullMQ's own attempts never end a job: `handleRequest` decides, and records, before they could. */
const BULLMQ_ATTEMPTS = 1_000_000

/**
 * A request as a BullMQ job. Nothing is kept when it ends: what it ended in is in the stream.
 * @param turn its priority (completions/turns/), at least 1
 */
export function asJob(request: CompletionRequest, turn: number) {
  return {
    name: 'completion',
    data: request,
    opts: {
      jobId: jobId(request),
      priority: turn,
      attempts: BULLMQ_ATTEMPTS,
      backoff: { type: 'conduit' },
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: KEPT_ATTEMPTS,
    },
  }
}

export interface JobsDeps extends TurnsDeps {
  readonly queue: Queue
}

const JOBS_AT_ONCE = 100
const LONGEST_PAUSE_MS = 20

/**
 * Hands requests of one batch to BullMQ, at the next turns of the batch; one that is there already stays as it is. A
 * few at a time, and as long as each of them took for everybody else: hundreds at once hold up the calls for longer
 * than many of them take.
 *
 * @returns the turn of the last one; null when there are none
 */
export async function addRequests(
  batch: string,
  requests: readonly CompletionRequest[],
  deps: JobsDeps,
): Promise<number | null> {
  const turns = await takeTurns(batch, requests.length, deps)
  const jobs = requests.map((request, i) => asJob(request, turns[i] as number))
  for (let at = 0; at < jobs.length; at += JOBS_AT_ONCE) {
    const startedAt = performance.now()
    await deps.queue.addBulk(jobs.slice(at, at + JOBS_AT_ONCE))
    await setTimeout(Math.min(LONGEST_PAUSE_MS, performance.now() - startedAt))
  }
  return turns.at(-1) ?? null
}
