import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'

const beginScript = loadScript(new URL('./begin-ending.lua', import.meta.url))
const resumeScript = loadScript(new URL('./resume.lua', import.meta.url))

/**
 * `over`: its completion window is, so that it would expire at once. `too_little`: the budget that is named is no larger
 * than the one that it has used up.
 */
export type ResumedBraked = 'resumed' | 'not_braked' | 'over' | 'too_little'

/** What a batch may take in all, from now on. */
export interface Budgets {
  readonly maxRequests?: number
  readonly maxCostCents?: number
}

export interface EndEarly {
  /**
   * Begins to end a batch that runs, or has stopped: no further call starts, and whoever serves its data directory
   * makes error lines of what is open. False when it had ended before, or is being ended.
   */
  cancel(batch: string, reason: string): Promise<boolean>
  /** The same for one whose completion window is over; false while it is not. */
  expire(batch: string): Promise<boolean>
  /** Lets a batch go on that the brake has stopped, or that has used a budget up: without that, or with these. */
  resumeBraked(batch: string, budgets?: Budgets): Promise<ResumedBraked>
}

/** How batches of a queue are ended before their time, and let go on. */
export function createEndEarly(redis: Redis, keys: QueueKeys): EndEarly {
  const namesOf = (batch: string) => [keys.batch(batch), keys.activeBatches, keys.drainingBatches]
  const begin = async (batch: string, state: string, reason: string) =>
    (await runScript(redis, beginScript, namesOf(batch), [batch, state, reason])) === 1
  return {
    cancel: (batch, reason) => begin(batch, 'cancelling', reason),
    expire: (batch) => begin(batch, 'expiring', 'its completion window is over'),
    async resumeBraked(batch, { maxRequests, maxCostCents } = {}) {
      const args = [batch, maxRequests ?? '', maxCostCents ?? '']
      return (await runScript(redis, resumeScript, namesOf(batch), args)) as ResumedBraked
    },
  }
}
