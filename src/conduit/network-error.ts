/** Errors that come before the first byte of a request is written. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
  'UND_ERR_INVALID_ARG',
])
const CERTIFICATE = /CERT|^UNABLE_TO_|^ERR_(TLS|SSL)_/

/**
 * A network error in words that hold its code (ECONNREFUSED, ECONNRESET, UND_ERR_SOCKET …), and whether the
 * request may have reached the server before it.
 */
export function describeNetworkError(error: unknown): { message: string; maybeSent: boolean } {
  if (!(error instanceof Error)) return { message: 'unknown network error', maybeSent: true }
  const code = codeOf(error)
  const maybeSent = code === null || !(BEFORE_SENDING.has(code) || CERTIFICATE.test(code))
  const name = code ?? error.name
  const text = textOf(error)
  return { message: text.includes(name) ? text : `${name}: ${text}`, maybeSent }
}

function codeOf(error: Error): string | null {
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause instanceof Error ? codeOf(error.cause) : null
}

/** A connection tried on several addresses fails with an AggregateError, whose own message is empty. */
function textOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join(', ')
}
