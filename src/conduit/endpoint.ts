import { Pool } from 'undici'
import { type CallLimits, exchange, type Message } from './exchange.js'
import type { Reply } from './reply.js'

/** The address cannot be used. Its message does not repeat it: it may hold a password. */
export class InvalidBaseUrl extends Error {
  readonly code = 'invalid_base_url'
  constructor(what: string) {
    super(`the base URL ${what}`)
    this.name = 'InvalidBaseUrl'
  }
}

/** One origin with a path in front of everything: connections, and calls over them. */
export interface Endpoint {
  /** See `exchange`. `message.path` goes behind the path of the base URL. @throws CallAborted */
  send(message: Message, limits: CallLimits): Promise<Reply>
  /** Waits for the calls under way (each has a deadline), then drops every connection. */
  close(): Promise<void>
}

/**
 * A pool of at most `connections` keep-alive connections to `baseUrl`, which may end with a slash and have a path.
 *
 * @throws InvalidBaseUrl
 */
export function createEndpoint(baseUrl: string, connections: number): Endpoint {
  const url = parseBaseUrl(baseUrl)
  const prefix = url.pathname.replace(/\/+$/, '')
  // The deadline of each call covers head and body, so undici's own timeouts stay out of it.
  const pool = new Pool(url.origin, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
  const underWay = new Set<Promise<Reply>>()
  return {
    send(message, limits) {
      const call = exchange(pool, { ...message, path: prefix + message.path }, limits)
      underWay.add(call)
      const leave = () => underWay.delete(call)
      call.then(leave, leave)
      return call
    },
    async close() {
      await Promise.allSettled(underWay)
      await pool.destroy()
    },
  }
}

function parseBaseUrl(baseUrl: string): URL {
  if (!URL.canParse(baseUrl)) throw new InvalidBaseUrl('is not a URL')
  const url = new URL(baseUrl)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new InvalidBaseUrl('must begin with https:// or http://')
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidBaseUrl('must not hold a user name or password')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new InvalidBaseUrl('must not hold a query or a fragment')
  }
  return url
}
