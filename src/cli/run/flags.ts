import type { ConfigurationFlags } from '../common-options.js'

/** The options of `run`, as commander hands them over. Times are milliseconds. */
export interface RunFlags extends ConfigurationFlags {
  readonly output?: string
  readonly queue: string
  readonly model?: string
  readonly concurrency: number
  readonly maxAttempts: number
  readonly timeout: number
  readonly backoffBase: number
  readonly backoffCap: number
  readonly strict?: true
  readonly exitOnPause?: true
  readonly fresh?: true
  readonly json?: true
}
