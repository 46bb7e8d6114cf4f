import { isUnwritable, RedisUnwritable } from './unwritable.js'

const UNTRUSTED = 'its certificate is not trusted (NODE_EXTRA_CA_CERTS can name a file with its authority)'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket belongs to another user',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'the host can not be reached',
  ETIMEDOUT: 'it did not answer in time',
  ECONNRESET: 'it closed the connection',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  WRONGPASS: 'it refused the user or password',
  NOAUTH: 'it wants a password',
  NOPERM: 'the user lacks a permission',
}

/** The first connection to Redis failed. */
export class RedisUnavailable extends Error {
  readonly code = 'redis_unavailable'

  /** @param place the target without password; @param cause what ioredis reported, of which only the kind is kept */
  constructor(place: string, cause: unknown) {
    super(
      `Redis can't be used at ${place}: ${reasonOf(cause, place)}. Check that it runs and that its address (REDIS_URL, or the option redis of a program) is right`,
    )
    this.name = 'RedisUnavailable'
  }
}

/** A connection that worked was lost; it is being taken up again. */
export class RedisConnectionLost extends Error {
  readonly code = 'redis_connection_lost'

  constructor(place: string, cause: unknown) {
    super(`Redis at ${place}: ${reasonOf(cause, place)}`)
    this.name = 'RedisConnectionLost'
  }
}

/** What ioredis says when there is no connection, or a command was not answered in time. */
const NO_CONNECTION =
  /^(Connection is closed|Reached the max retries|Stream isn't writeable|Command timed out|Socket timeout)/

/** `LOADING`, `READONLY` and the like pass, but not within the seconds that a caller would wait. */
const NOT_NOW = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|NOAUTH|WRONGPASS|NOPERM)\b/

/**
 * Gives a RedisUnavailable for an error that means that Redis is away, a RedisUnwritable where it can't write its
 * files, and any other as it is.
 * @param place the Redis, without its password
 */
export function asUnavailable(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof RedisUnavailable) return error
  if (isUnwritable(error)) return new RedisUnwritable(place)
  if (NO_CONNECTION.test(error.message))
    return new RedisUnavailable(place, new Error('there is no connection'))
  return NOT_NOW.test(error.message) || isSocketError(error) ? new RedisUnavailable(place, error) : error
}

function isSocketError(error: Error): boolean {
  return 'syscall' in error && ['connect', 'read', 'write'].includes(String(error.syscall))
}

/**
 * Says in words what went wrong. ioredis attaches the command and its arguments to an error (for AUTH and HELLO:
 * the password), so the error itself goes no further than here.
 */
function reasonOf(cause: unknown, place: string): string {
  if (!(cause instanceof Error)) return 'it failed without saying why'
  if (cause.message === 'Connection is closed.') return 'it accepted the connection but did not get ready'
  if (cause.message.startsWith('Socket timeout')) return 'it said nothing any more'
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message.split(' ', 1)[0]
  const mayWantTls = code === 'ECONNRESET' && place.startsWith('redis:')
  return `${REASONS[code ?? ''] ?? cause.message}${mayWantTls ? ' (a TLS server? then rediss://)' : ''}`
}
