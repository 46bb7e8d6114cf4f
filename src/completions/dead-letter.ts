import type { Failure } from '../conduit/outcome.js'

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
  /** Unix milliseconds. */
  readonly at: number
}
