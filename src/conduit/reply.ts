import type { RateLimit } from './rate-limit-headers.js'

/** Why there is no complete answer; what each means stands in `OWN_CODES` (codes.ts). */
export type NoAnswerCode =
  | 'network_error'
  | 'timeout'
  | 'response_too_large'
  | 'api_key_unusable'
  | 'request_unsendable'

/**
 * What the client saw of one call, before anyone judges it. A call whose head arrived but whose body did not is a
 * `no_answer` with a status, and with what the head said.
 */
export type Reply =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** The `X-Request-Id` header. */
      readonly requestId: string | null
      /** The `Retry-After` header as sent. */
      readonly retryAfter: string | null
      /** Absent when its headers tell no limit, as Conduit's do. */
      readonly rateLimit?: RateLimit
      readonly text: string
    }
  | {
      readonly kind: 'no_answer'
      readonly code: NoAnswerCode
      readonly status: number | null
      readonly requestId: string | null
      readonly retryAfter: string | null
      readonly rateLimit?: RateLimit
      readonly message: string
      /** Whether the request may have reached Conduit, and so may have been billed. */
      readonly maybeSent: boolean
    }
