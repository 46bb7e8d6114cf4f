import type { RedisOptions } from 'ioredis'

/** Where Redis is: the private server's Unix socket, or the URL of any other. */
export type RedisTarget = { readonly socketPath: string } | { readonly url: string }

/** The part of ioredis's options that says where and who. */
type Address = Pick<RedisOptions, 'path' | 'host' | 'port' | 'db' | 'username' | 'password' | 'tls'>

/** A Redis URL that can't be used. The message never holds the URL, which may hold a password. */
export class InvalidRedisUrl extends Error {
  readonly code = 'invalid_redis_url'
  /** What is wrong, and what is right: the rest of a sentence that begins with the setting's name. */
  readonly problem: string

  constructor(what: string) {
    const problem = `${what}. It looks like redis://host:6379/0, or rediss://user:password@host:6380/0 for TLS`
    super(`The URL of Redis ${problem}`)
    this.problem = problem
    this.name = 'InvalidRedisUrl'
  }
}

/**
 * Turns a target into ioredis's options for where and who. One server only: a Sentinel or Cluster is not
 * supported yet (the key names are ready for it, each queue has one hash tag).
 * @throws InvalidRedisUrl
 */
export function addressOf(target: RedisTarget): Address {
  if ('socketPath' in target) return { path: target.socketPath }
  const url = parseUrl(target.url)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    db: databaseOf(url),
    ...(url.username === '' ? {} : { username: decoded(url.username) }),
    ...(url.password === '' ? {} : { password: decoded(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}

/** What is wrong with a URL of Redis (see `InvalidRedisUrl.problem`); null: nothing. */
export function redisUrlProblem(url: string): string | null {
  try {
    addressOf({ url })
    return null
  } catch (error) {
    if (error instanceof InvalidRedisUrl) return error.problem
    throw error
  }
}

/** Names the place for a message, without user and password. */
export function describeTarget(target: RedisTarget): string {
  if ('socketPath' in target) return `the socket ${target.socketPath}`
  const url = parseUrl(target.url)
  return `${url.protocol}//${url.host}${url.pathname}`
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new InvalidRedisUrl('is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new InvalidRedisUrl('must start with redis:// or rediss:// (Sentinel and Cluster come later)')
  }
  if (url.hostname === '') throw new InvalidRedisUrl('names no host')
  if (url.username !== '' && url.password === '') {
    throw new InvalidRedisUrl(
      'has a user without a password; a password alone is written redis://:password@host',
    )
  }
  // ioredis would take these as options; here a typing error must not pass unseen.
  if (url.search !== '' || url.hash !== '') throw new InvalidRedisUrl('must end after the database number')
  return url
}

function databaseOf(url: URL): number {
  const text = url.pathname.replace(/^\//, '')
  if (!/^\d{0,4}$/.test(text)) throw new InvalidRedisUrl('must end in a database number')
  return Number(text)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new InvalidRedisUrl('has a "%" in its user or password that is not an escape: write it as %25')
  }
}
