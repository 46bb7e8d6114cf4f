import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { UnreadyQueue } from './plan-queues.js'
import type { QueuePlan } from './queue-workers.js'

export interface LateQueuesOptions {
  /** Looks at one queue once more. */
  readonly plan: (queue: string) => Promise<QueuePlan | UnreadyQueue>
  /** Opens it and starts its roles. */
  readonly open: (plan: QueuePlan) => Promise<void>
  readonly log: Logger
  readonly until: AbortSignal
}

const LOOK_MS = 2000

/** Starts each queue whose key appears later. */
export function awaitLateQueues(unready: readonly UnreadyQueue[], options: LateQueuesOptions): void {
  for (const { queue, mayAppear } of unready) if (mayAppear) void awaitQueue(queue, options)
}

async function awaitQueue(queue: string, { plan, open, log, until }: LateQueuesOptions): Promise<void> {
  for (;;) {
    // Rejects only when the signal aborts, and then this ends.
    await delay(LOOK_MS, undefined, { signal: until }).catch(() => undefined)
    if (until.aborted) return
    try {
      const found = await plan(queue)
      if ('problem' in found || until.aborted) continue
      return await open(found)
    } catch (error) {
      log.warn({ queue, err: (error as Error).message }, 'queue.start_failed')
    }
  }
}
