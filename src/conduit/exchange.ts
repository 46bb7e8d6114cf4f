import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { isSendable, redact } from './api-key.js'
import { CallAborted, DeadlinePassed, type Limits, withDeadline } from './deadline.js'
import { describeNetworkError } from './network-error.js'
import { parseRateLimit, type RateLimit } from './rate-limit-headers.js'
import type { NoAnswerCode, Reply } from './reply.js'

/** One request on a pool. `path` is absolute, `body` JSON text. */
export interface Message {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

export interface CallLimits extends Limits {
  readonly apiKey: string
  readonly maxResponseBytes: number
}

interface Head {
  readonly status: number | null
  readonly requestId: string | null
  readonly retryAfter: string | null
  readonly rateLimit?: RateLimit
}

class ResponseTooLarge extends Error {
  readonly code = 'response_too_large'
  constructor(maxBytes: number) {
    super(`the answer is larger than ${maxBytes} bytes`)
    this.name = 'ResponseTooLarge'
  }
}

const NO_HEAD: Head = { status: null, requestId: null, retryAfter: null }

/**
 * Sends one request and reads its whole answer, within `timeoutMs` and `maxResponseBytes`. Follows no redirect. The key
 * stands in nothing that is returned, except in a completion that holds it itself.
 *
 * @throws CallAborted when `signal` ended it.
 */
export async function exchange(pool: Pool, message: Message, limits: CallLimits): Promise<Reply> {
  if (limits.signal?.aborted) throw new CallAborted()
  if (!isSendable(limits.apiKey)) {
    return unsent(
      'api_key_unusable',
      'the API key is empty or holds characters that no HTTP header can carry',
    )
  }
  let head = NO_HEAD
  try {
    return await withDeadline(limits, async (stop) => {
      const response = await pool.request(asRequest(message, limits.apiKey, stop))
      head = readHead(response)
      const text = await readText(response.body, limits.maxResponseBytes)
      return {
        kind: 'answer',
        ...head,
        status: response.statusCode,
        text: keyless(text, response, limits.apiKey),
      }
    })
  } catch (error) {
    if (error instanceof CallAborted) throw error
    return noAnswer(error, head, limits.apiKey)
  }
}

/** A reply for a request that was never sent. */
export function unsent(code: NoAnswerCode, message: string): Reply {
  return { kind: 'no_answer', ...NO_HEAD, code, message, maybeSent: false }
}

function asRequest(message: Message, apiKey: string, signal: EventEmitter): Dispatcher.RequestOptions {
  return {
    method: message.method,
    path: message.path,
    signal,
    headers: {
      authorization: `Bearer ${apiKey}`,
      accept: 'application/json',
      'accept-encoding': 'identity', // undici's request() does not decompress
      'user-agent': 'conduit-batch',
      ...(message.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: message.body ?? null,
  }
}

function readHead(response: Dispatcher.ResponseData): Head {
  const header = (name: string) => [response.headers[name] ?? []].flat()[0] ?? null
  const rateLimit = parseRateLimit(response.headers, Date.now())
  return {
    status: response.statusCode,
    requestId: header('x-request-id'),
    retryAfter: header('retry-after'),
    ...(rateLimit === null ? {} : { rateLimit }),
  }
}

function readText(body: Readable, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    body.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) body.destroy(new ResponseTooLarge(maxBytes))
      else chunks.push(chunk)
    })
    body.on('end', () => resolve(Buffer.concat(chunks, bytes).toString('utf8')))
    body.on('error', reject)
  })
}

/** Error pages may quote the key. A completion is the user's own and stays as it is. */
function keyless(text: string, response: Dispatcher.ResponseData, apiKey: string): string {
  const isCompletion = response.statusCode === 200 && text.includes('"choices"')
  return isCompletion ? text : redact(text, apiKey)
}

function noAnswer(error: unknown, head: Head, apiKey: string): Reply {
  if (error instanceof DeadlinePassed) {
    return { kind: 'no_answer', ...head, code: 'timeout', message: error.message, maybeSent: true }
  }
  if (error instanceof ResponseTooLarge) {
    return { kind: 'no_answer', ...head, code: 'response_too_large', message: error.message, maybeSent: true }
  }
  const { message, maybeSent } = describeNetworkError(error)
  return { kind: 'no_answer', ...head, code: 'network_error', message: redact(message, apiKey), maybeSent }
}
