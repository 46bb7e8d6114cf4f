/** The reasons for which Conduit's answers hold a whole queue; a person has to act, or a limit has to reset. */
export type ConduitHoldReason = 'credentials' | 'credits' | 'spending_limit' | 'daily_quota'

/** What Conduit said, or what kept it from saying anything. */
export interface Failure {
  /** The HTTP status; null when no answer began. */
  readonly status: number | null
  /** Conduit's code when its envelope could be read, else one of ours (`OWN_CODES` in codes.ts). */
  readonly code: string
  /** One line of at most 500 characters, without control characters. */
  readonly message: string
  /** The envelope's, else that of the `X-Request-Id` header. */
  readonly requestId: string | null
  /** The whole `error` object as received; null when there was none, or when it is larger than 16 KB. */
  readonly envelope: Record<string, unknown> | null
  /** Set when the request went out and its answer was lost: it may have been billed (no idempotency key). */
  readonly maybeBilled?: true
}

/** Tokens as Conduit reported them: whole numbers, 0 where it reported none. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/**
 * What one call meant. `retryAfterMs` is Conduit's `Retry-After`, counted from the moment given to `classify`;
 * null when it sent none that can be read.
 */
export type Outcome =
  | {
      readonly kind: 'completed'
      readonly requestId: string | null
      readonly body: Record<string, unknown>
      readonly usage: Usage
    }
  | { readonly kind: 'retry'; readonly failure: Failure; readonly retryAfterMs: number | null }
  | { readonly kind: 'throttled'; readonly failure: Failure; readonly retryAfterMs: number | null }
  | {
      readonly kind: 'held'
      readonly failure: Failure
      readonly reason: ConduitHoldReason
      readonly retryAfterMs: number | null
    }
  | { readonly kind: 'dead'; readonly failure: Failure }
