import type { Failure } from '../conduit/outcome.js'

/** One failed call of a request. */
export interface FailedAttempt {
  /** Unix milliseconds. */
  readonly at: number
  readonly status: number | null
  readonly code: string
  readonly message: string
  readonly requestId: string | null
}

/** A request that will not be retried by itself: where it stands in its input, and what Conduit said. */
export interface DeadLetter {
  readonly batch: string
  readonly index: number
  readonly generation: number
  readonly customId: string | null
  /** Line of the input, 1-based. */
  readonly line: number
  readonly model: string | null
  /** Why it is here: Conduit's code, or one of ours (`retries_exhausted`, `duplicate_custom_id` …). */
  readonly code: string
  readonly failure: Failure
  /** Calls that were made for it. */
  readonly attempts: number
  /** The attempts before the last one, oldest first; at most the last 20. */
  readonly history: readonly FailedAttempt[]
  /** False for a line that was never a request: only another body can mend it. */
  readonly sendable: boolean
  /** The body, for a request that is in no input file; null else. */
  readonly body: Readonly<Record<string, unknown>> | null
  /** Unix milliseconds. */
  readonly at: number
}
