import type { KeyHolder } from '../src/completions/key-holder.js'
import type { QueueConfig } from '../src/config.js'
import type { ConcurrencyBounds } from './concurrency-ceiling.js'

/** What the calls of a queue need. */
export interface CompletionRoleOptions {
  readonly keyHolder: KeyHolder
  readonly baseUrl: string
  /** Where the balance is asked for; null: nowhere. */
  readonly billingUrl: string | null
  /** Between two questions for the balance, for the whole fleet. */
  readonly balancePollMs: number
  /** False: no hold of Conduit's lifts here by itself, a person does it. */
  readonly autoResume: boolean
  readonly concurrency: ConcurrencyBounds
  /** Ceiling of the pace, for the whole fleet; null: none. */
  readonly requestsPerMinute: number | null
}

/** What the settings of a queue say of its calls. @param wanted concurrency that the command asks for; null: none */
export function completionOptions(
  config: QueueConfig,
  keyHolder: KeyHolder,
  wanted: number | null,
): CompletionRoleOptions {
  const { baseUrl, billingUrl, balancePollMs, autoResume, requestsPerMinute } = config
  const concurrency = { wanted, ceiling: config.concurrency }
  return { keyHolder, baseUrl, billingUrl, balancePollMs, autoResume, concurrency, requestsPerMinute }
}
