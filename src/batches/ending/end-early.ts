import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'

const beginScript = loadScript(new URL('./begin-ending.lua', import.meta.url))
const resumeScript = loadScript(new URL('./resume.lua', import.meta.url))

/** `over`: its completion window is, so that it would expire at once. */
export type ResumedBraked = 'resumed' | 'not_braked' | 'over'

export interface EndEarly {
  /**
   * Begins to end a batch that runs, or has stopped: no further call starts, and whoever serves its data directory
   * makes error lines of what is open. False when it had ended before, or is being ended.
   */
  cancel(batch: string, reason: string): Promise<boolean>
  /** The same for one whose completion window is over; false while it is not. */
  expire(batch: string): Promise<boolean>
  /** Lets a batch go on that the brake has stopped. */
  resumeBraked(batch: string): Promise<ResumedBraked>
}

/** How batches of a queue are ended before their time, and let go on. */
export function createEndEarly(redis: Redis, keys: QueueKeys): EndEarly {
  const namesOf = (batch: string) => [keys.batch(batch), keys.activeBatches, keys.drainingBatches]
  const begin = async (batch: string, state: string, reason: string) =>
    (await runScript(redis, beginScript, namesOf(batch), [batch, state, reason])) === 1
  return {
    cancel: (batch, reason) => begin(batch, 'cancelling', reason),
    expire: (batch) => begin(batch, 'expiring', 'its completion window is over'),
    resumeBraked: async (batch) =>
      (await runScript(redis, resumeScript, namesOf(batch), [batch])) as ResumedBraked,
  }
}
