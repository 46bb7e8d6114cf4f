import type { Priority } from '../../completions/priority.js'
import type { ConfigurationFlags, PaceFlags, ResumeFlags } from '../common-options.js'

/** What `run` and `submit` take, as commander hands it over. Times are milliseconds. */
export interface BatchFlags extends ConfigurationFlags {
  readonly output?: string
  readonly queue: string
  readonly model?: string
  readonly concurrency: number
  readonly maxAttempts: number
  readonly timeout: number
  readonly backoffBase: number
  readonly backoffCap: number
  readonly priority: Priority
  readonly completionWindow?: number
  /** False with `--no-brake`. */
  readonly brake: boolean
  /** The batch stops after so many requests, and asks. */
  readonly maxRequests?: number
  /** The same at about such a cost, in cents. */
  readonly maxCost?: number
  /** Tell what would be sent, and send nothing. */
  readonly dryRun?: true
  readonly strict?: true
  readonly fresh?: true
  readonly json?: true
}

/** The options of `run`. */
export interface RunFlags extends BatchFlags, PaceFlags, ResumeFlags {
  readonly exitOnPause?: true
}

/** The options of `submit`. */
export interface SubmitFlags extends BatchFlags {
  readonly name?: string
}
