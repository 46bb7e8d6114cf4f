import { createEndpoint } from './endpoint.js'
import { unsent } from './exchange.js'
import type { Reply } from './reply.js'

export { CallAborted } from './deadline.js'
export { InvalidBaseUrl } from './endpoint.js'

const DEFAULT_CONNECTIONS = 256
const DEFAULT_MAX_RESPONSE_BYTES = 16 * 1024 * 1024

/** What a call is made with. `timeoutMs` covers everything: waiting for a connection, head and body. */
export interface Call {
  readonly apiKey: string
  readonly timeoutMs: number
}

/** The chat API of Conduit. */
export interface ConduitClient {
  /**
   * One `POST /chat/completions`. Whatever comes back, or does not, is a `Reply`.
   *
   * @throws CallAborted when `signal` (not the deadline) ended it; an answer that is there by then still wins.
   */
  complete(body: Record<string, unknown>, call: Call & { readonly signal: AbortSignal }): Promise<Reply>
  /** One `GET /models`: costs nothing and proves the key. */
  models(call: Call): Promise<Reply>
  /** Waits for the calls under way, then drops every connection. */
  close(): Promise<void>
}

/**
 * A client for one base URL (`https://api.conduit.im/v1`). `connections` bounds how many calls are out at once (default
 * 256): a call beyond it waits, and its deadline runs, so give at least the concurrency. `maxResponseBytes` bounds an
 * answer (default 16 MiB).
 *
 * @throws InvalidBaseUrl
 */
export function createConduitClient(options: {
  readonly baseUrl: string
  readonly connections?: number
  readonly maxResponseBytes?: number
}): ConduitClient {
  const endpoint = createEndpoint(options.baseUrl, options.connections ?? DEFAULT_CONNECTIONS)
  const maxResponseBytes = options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES
  return {
    async complete(body, call) {
      const json = toJson(body)
      if (json === null) return unsent('request_unsendable', 'the request body cannot be written as JSON')
      return endpoint.send(
        { method: 'POST', path: '/chat/completions', body: json },
        { ...call, maxResponseBytes },
      )
    },
    models: (call) => endpoint.send({ method: 'GET', path: '/models' }, { ...call, maxResponseBytes }),
    close: () => endpoint.close(),
  }
}

function toJson(body: Record<string, unknown>): string | null {
  try {
    return JSON.stringify(body)
  } catch {
    return null // a cycle, a BigInt or too deep: the caller gets `request_unsendable`
  }
}
