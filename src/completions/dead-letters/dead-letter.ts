import type { Failure } from '../../conduit/outcome.js'
import type { FailedAttempt } from '../attempts.js'
import type { Edit } from '../edit.js'
import type { RequestLimits, RequestPlace } from '../request.js'

/** A request that will not be retried by itself: where it stands in its input, and what Conduit said. */
export interface DeadLetter extends RequestPlace {
  readonly customId: string | null
  /** Line of the input, 1-based; null when it is not known any more (`letterOfLine`). */
  readonly line: number | null
  /** Null when it had none, or when it is not known any more. */
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
  /** What the request asked for in place of its batch's options. */
  readonly limits?: RequestLimits
  /** Unix milliseconds. */
  readonly at: number
}

/** An end that a request came to before it was retried. */
export interface EarlierEnd extends FailedAttempt {
  readonly generation: number
  /** Calls that were made for it. */
  readonly attempts: number
  /** Fields of the body that the retry after it set; `body` when it gave a whole one. */
  readonly edited: readonly string[]
  /** What the request is called, and its line: for one that is in no input file, or whose input has gone. */
  readonly customId: string | null
  readonly line: number | null
  /** What it asked for in place of its batch's options, and asks for again. */
  readonly limits?: RequestLimits
}

/** A dead letter as it lies there. */
export interface StoredDeadLetter extends DeadLetter {
  /** `<batch>-<index>-<generation>` */
  readonly id: string
  /** What earlier retries changed in its request; null when nothing. */
  readonly edit: Edit | null
  /** Oldest first; at most the last 20. */
  readonly earlier: readonly EarlierEnd[]
}
