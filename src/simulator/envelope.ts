/** Every code of Conduit's tables with its status and a message (Conduit: Error Handling, Rate Limiting). */
export const CONDUIT_ERRORS = {
  VALIDATION_ERROR: { status: 400, message: 'Request validation failed' },
  BAD_REQUEST: { status: 400, message: 'Malformed request' },
  API_KEY_INVALID: { status: 401, message: 'Invalid API key' },
  API_KEY_EXPIRED: { status: 401, message: 'API key has expired' },
  AUTH_UNAUTHORIZED: { status: 401, message: 'Authentication required' },
  BILLING_INSUFFICIENT_FUNDS: { status: 402, message: 'Insufficient funds: add credits to continue' },
  AUTH_FORBIDDEN: { status: 403, message: 'You do not have access to this resource' },
  NOT_FOUND: { status: 404, message: 'Resource not found' },
  CHAT_MODEL_NOT_FOUND: { status: 404, message: 'Model not found' },
  RATE_LIMIT_EXCEEDED: { status: 429, message: 'Rate limit exceeded' },
  CHAT_RATE_LIMIT_EXCEEDED: { status: 429, message: 'Chat rate limit exceeded' },
  RATE_LIMIT_QUOTA_EXCEEDED: { status: 429, message: 'Daily quota exceeded' },
  API_KEY_LIMIT_EXCEEDED: { status: 429, message: 'API key spending limit exceeded' },
  INTERNAL_SERVER_ERROR: { status: 500, message: 'An unexpected error occurred' },
  SERVICE_UNAVAILABLE: { status: 503, message: 'Service temporarily unavailable' },
  SERVICE_TIMEOUT: { status: 504, message: 'The request timed out' },
} as const satisfies Record<string, { status: number; message: string }>

export type ConduitCode = keyof typeof CONDUIT_ERRORS

/** What is wrong with a body: the path of a field mapped to a message. */
export type FieldMessages = Readonly<Record<string, string>>

/** An error on its way to an envelope. `code` is a string because a simulated fault may carry an unheard-of one. */
export interface ApiError {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly fields?: FieldMessages
  /** The value of the Retry-After header, ready to send. */
  readonly retryAfter?: string
}

/** One of Conduit's own errors; `more` adds fields, a Retry-After or a better message. */
export function conduitError(
  code: ConduitCode,
  more: Partial<Omit<ApiError, 'status' | 'code'>> = {},
): ApiError {
  return { code, ...CONDUIT_ERRORS[code], ...more }
}

/** The error envelope as JSON (Conduit: Error Handling). A rate-limit envelope has no `details`. */
export function envelopeJson(error: ApiError, requestId: string, nowMs: number): string {
  const details = error.fields === undefined ? {} : { fields: error.fields }
  return JSON.stringify({
    error: {
      message: error.message,
      code: error.code,
      ...(error.status === 429 ? {} : { details }),
      timestamp: new Date(nowMs).toISOString(),
      requestId,
    },
  })
}
