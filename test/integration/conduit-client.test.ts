import { getEventListeners, once } from 'node:events'
import { stat } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import {
  CallAborted,
  type ConduitClient,
  createConduitClient,
  InvalidBaseUrl,
} from '../../src/conduit/client.js'
import type { Reply } from '../../src/conduit/reply.js'
import { eventuallyHolds } from '../support/eventually.js'

const KEY = 'sk-conduit-0123456789'
const BODY = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], seed: 7, tools: [{ any: null }] }
const COMPLETION = JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'Hello.' } }] })

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly text: string
}
interface Upstream {
  readonly url: string
  readonly seen: Seen[]
  readonly sockets: Set<Socket>
  /** Sockets ever accepted. */
  accepted: number
  /** Answers that the client gave up. */
  dropped: number
}
type Respond = (response: ServerResponse, request: IncomingMessage) => void

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function upstream(respond: Respond): Promise<Upstream> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      state.seen.push({ method, url, headers, text: Buffer.concat(chunks).toString() })
      response.on('close', () => {
        if (!response.writableFinished) state.dropped += 1
      })
      respond(response, request)
    })
  })
  const state: Upstream = { url: await listen(server), seen: [], sockets: new Set(), accepted: 0, dropped: 0 }
  server.on('connection', (socket) => {
    state.accepted += 1
    state.sockets.add(socket)
    socket.on('close', () => state.sockets.delete(socket))
  })
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return state
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function client(
  baseUrl: string,
  options: { connections?: number; maxResponseBytes?: number } = {},
): ConduitClient {
  const made = createConduitClient({ baseUrl, ...options })
  cleanups.push(() => made.close())
  return made
}

function call(
  conduit: ConduitClient,
  options: Partial<Parameters<ConduitClient['complete']>[1]> = {},
): Promise<Reply> {
  const signal = new AbortController().signal
  return conduit.complete(BODY, { apiKey: KEY, timeoutMs: 30_000, signal, ...options })
}

const json = (response: ServerResponse, status: number, text: string, headers = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
const hang: Respond = () => undefined

describe('a completion', () => {
  it('is posted as given, with the key, and answered as sent', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION, { 'X-Request-Id': 'req_1' }))
    expect(await call(client(`${server.url}/v1`))).toEqual({
      kind: 'answer',
      status: 200,
      requestId: 'req_1',
      retryAfter: null,
      text: COMPLETION,
    })
    expect(server.seen).toEqual([
      {
        method: 'POST',
        url: '/v1/chat/completions',
        headers: expect.objectContaining({
          authorization: `Bearer ${KEY}`,
          'content-type': 'application/json',
          'user-agent': 'conduit-batch',
          'accept-encoding': 'identity',
          'content-length': String(JSON.stringify(BODY).length),
        }),
        text: JSON.stringify(BODY),
      },
    ])
  })

  it('comes with the limit that its headers tell, as an error does, and one whose body is cut', async () => {
    const headers = { 'X-RateLimit-Limit': '600', 'X-RateLimit-Remaining': '7', 'X-RateLimit-Reset': '30' }
    const rateLimit = { requestsPerMinute: 600, remaining: 7, resetInMs: 30_000 }
    let status = 200
    const server = await upstream((response) => {
      if (status !== 0) json(response, status, COMPLETION, headers)
      else {
        response.writeHead(429, { ...headers, 'content-length': '99' }).write('{')
        setImmediate(() => response.destroy())
      }
    })
    const conduit = client(server.url)
    expect(await call(conduit)).toMatchObject({ status: 200, rateLimit })
    status = 429
    expect(await call(conduit)).toMatchObject({ status: 429, rateLimit })
    status = 0
    expect(await call(conduit)).toMatchObject({ kind: 'no_answer', status: 429, rateLimit })
  })

  it.each([
    ['', '/chat/completions'],
    ['/', '/chat/completions'],
    ['/v1', '/v1/chat/completions'],
    ['/v1//', '/v1/chat/completions'],
    ['/proxy/conduit/v1/', '/proxy/conduit/v1/chat/completions'],
  ])('goes to the right path behind %j', async (base, path) => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    await call(client(server.url + base))
    expect(server.seen[0]?.url).toBe(path)
  })

  it('is decoded as UTF-8, characters split between chunks included', async () => {
    const text = JSON.stringify({ choices: [{ message: { content: 'naïve 😀 日本' } }] })
    const server = await upstream((response) => {
      response.writeHead(200)
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte))
      response.end()
    })
    expect(await call(client(server.url))).toMatchObject({ kind: 'answer', text })
  })

  it('comes with the status and the headers of an error', async () => {
    const server = await upstream((response) =>
      json(response, 429, '{}', { 'x-request-id': ['req_1', 'req_2'], 'retry-after': '12' }),
    )
    expect(await call(client(server.url))).toMatchObject({
      status: 429,
      requestId: 'req_1',
      retryAfter: '12',
    })
  })

  it.each([201, 204, 404, 502, 599, 799])('is an answer with status %i too', async (status) => {
    const server = await upstream((response) => response.writeHead(status).end())
    expect(await call(client(server.url))).toMatchObject({ kind: 'answer', status, text: '' })
  })

  it('is read behind an informational answer', async () => {
    const server = await upstream((response) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' })
      json(response, 200, COMPLETION)
    })
    expect(await call(client(server.url))).toMatchObject({ kind: 'answer', status: 200, text: COMPLETION })
  })

  it.each([301, 302, 303, 307, 308])('answered by a redirect (%i) is not sent elsewhere', async (status) => {
    const elsewhere = await upstream((response) => json(response, 200, COMPLETION))
    const server = await upstream((response) =>
      response.writeHead(status, { location: `${elsewhere.url}/chat/completions` }).end(),
    )
    expect(await call(client(server.url))).toMatchObject({ kind: 'answer', status })
    expect(elsewhere.seen).toEqual([])
    expect(server.seen).toHaveLength(1)
  })
})

describe('connections', () => {
  it('are kept and used again', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url)
    for (let i = 0; i < 20; i += 1) await call(conduit)
    // Two, not one: undici may look for a free connection a moment before it marks the last one free.
    expect(server.accepted).toBeLessThanOrEqual(2)
  })

  it('are never more than asked for, and carry one call at a time', async () => {
    let inFlight = 0
    let most = 0
    const server = await upstream((response) => {
      most = Math.max(most, ++inFlight)
      setImmediate(() => {
        inFlight -= 1
        json(response, 200, COMPLETION)
      })
    })
    const conduit = client(server.url, { connections: 5 })
    const replies = await Promise.all(Array.from({ length: 100 }, () => call(conduit)))
    expect(replies.every((reply) => reply.kind === 'answer')).toBe(true)
    expect(server.accepted).toBe(5)
    expect(most).toBeLessThanOrEqual(5)
  })

  it('are made anew after the server has closed an idle one', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url)
    await call(conduit)
    for (const socket of server.sockets) socket.end()
    await eventuallyHolds(() => expect(server.sockets.size).toBe(0))
    expect(await call(conduit)).toMatchObject({ kind: 'answer' })
  })
})

describe('an answer that is cut', () => {
  it.each([
    ['by a closed connection', (response: ServerResponse) => response.socket?.end()],
    ['by a reset', (response: ServerResponse) => response.socket?.resetAndDestroy()],
  ])('%s is no answer, but keeps what its head said', async (_, cut) => {
    const head = { 'content-length': '1000', 'x-request-id': 'req_1', 'retry-after': '3' }
    for (const [status, headers] of [
      [200, head],
      [401, { ...head, 'content-length': '99' }],
    ] as const) {
      const server = await upstream((response) => {
        response.writeHead(status, headers)
        response.write('{"error":', () => cut(response))
      })
      expect(await call(client(server.url))).toEqual({
        kind: 'no_answer',
        code: 'network_error',
        status,
        requestId: 'req_1',
        retryAfter: '3',
        message: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET|closed/),
        maybeSent: true,
      })
    }
  })

  it('in the middle of chunked encoding is no answer', async () => {
    const server = await upstream((response) => {
      response.writeHead(200)
      response.write(COMPLETION, () => response.socket?.end())
    })
    expect(await call(client(server.url))).toMatchObject({
      kind: 'no_answer',
      code: 'network_error',
      status: 200,
    })
  })
})

describe('no answer at all', () => {
  it.each([
    ['a reset', (socket: Socket) => socket.resetAndDestroy(), /ECONNRESET/],
    ['a closed connection', (socket: Socket) => socket.end(), /UND_ERR_SOCKET.*closed/],
    ['what is not HTTP', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), /HTTPParserError|HPE_/],
    [
      'endless headers',
      (socket: Socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(99_999)}`),
      /OVERFLOW/,
    ],
  ])('after %s is a network error under its code', async (_, respond, message) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined) // the client may go first
      socket.once('data', () => respond(socket))
    })
    const url = await listen(server)
    cleanups.push(() => server.close())
    expect(await call(client(url))).toEqual({
      kind: 'no_answer',
      code: 'network_error',
      status: null,
      requestId: null,
      retryAfter: null,
      message: expect.stringMatching(message),
      maybeSent: true,
    })
  })

  it('from a port where nobody listens is a network error for which nothing was sent', async () => {
    const server = createTcpServer()
    const url = await listen(server)
    server.close()
    await once(server, 'close')
    expect(await call(client(url))).toMatchObject({
      code: 'network_error',
      message: expect.stringContaining('ECONNREFUSED'),
      maybeSent: false,
    })
  })
})

describe('the deadline', () => {
  /** Long enough for a call to go out on a busy machine. */
  const SHORT = { timeoutMs: 500 }

  it('ends a call whose answer never begins, and its connection', async () => {
    const server = await upstream(hang)
    expect(await call(client(server.url), SHORT)).toMatchObject({
      kind: 'no_answer',
      code: 'timeout',
      status: null,
      message: 'no complete answer within 0.5 s',
      maybeSent: true,
    })
    await eventuallyHolds(() => expect(server.dropped).toBe(1))
  })

  it('ends an answer that trickles past it', async () => {
    const server = await upstream((response) => {
      response.writeHead(200, { 'x-request-id': 'req_1' })
      const trickle = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(trickle))
    })
    expect(await call(client(server.url), SHORT)).toMatchObject({
      code: 'timeout',
      status: 200,
      requestId: 'req_1',
    })
    await eventuallyHolds(() => expect(server.dropped).toBe(1))
  })

  it('also runs while a call waits for a connection; that call is then never sent', async () => {
    const held: ServerResponse[] = []
    const server = await upstream((response) => held.push(response))
    const conduit = client(server.url, { connections: 1 })
    const first = call(conduit)
    await eventuallyHolds(() => expect(held).toHaveLength(1))
    expect(await call(conduit, SHORT)).toMatchObject({ kind: 'no_answer', code: 'timeout' })
    if (held[0] !== undefined) json(held[0], 200, COMPLETION)
    expect(await first).toMatchObject({ kind: 'answer' })
    const third = call(conduit)
    await eventuallyHolds(() => expect(held).toHaveLength(2))
    if (held[1] !== undefined) json(held[1], 200, COMPLETION)
    expect(await third).toMatchObject({ kind: 'answer' })
    expect(server.seen).toHaveLength(2)
  })

  it('may be longer than a timer can count', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    expect(await call(client(server.url), { timeoutMs: 2 ** 40 })).toMatchObject({ kind: 'answer' })
  })

  it('leaves no timer behind', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url, { connections: 10 })
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length
    const before = timers()
    await Promise.all(Array.from({ length: 200 }, () => call(conduit)))
    expect(timers() - before).toBeLessThan(50)
  })
})

describe('the signal', () => {
  it('ends a call in flight, and its connection', async () => {
    const server = await upstream(hang)
    const controller = new AbortController()
    const reply = call(client(server.url), { signal: controller.signal })
    await eventuallyHolds(() => expect(server.seen).toHaveLength(1))
    controller.abort(new Error('a reason of the caller'))
    await expect(reply).rejects.toSatisfy(
      (error) => error instanceof CallAborted && error.code === 'call_aborted',
    )
    await eventuallyHolds(() => expect(server.dropped).toBe(1))
  })

  it('ends a call in the middle of its answer', async () => {
    const server = await upstream((response) => response.writeHead(200).write('{'))
    const controller = new AbortController()
    const reply = call(client(server.url), { signal: controller.signal })
    await eventuallyHolds(() => expect(server.seen).toHaveLength(1))
    controller.abort()
    await expect(reply).rejects.toThrow(CallAborted)
  })

  it('that is aborted before keeps the call from being sent', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url)
    await expect(call(conduit, { signal: AbortSignal.abort() })).rejects.toThrow(CallAborted)
    await expect(call(conduit, { signal: AbortSignal.abort(), apiKey: '' })).rejects.toThrow(CallAborted)
    expect(server.accepted).toBe(0)
  })

  it('may be shared by 1,000 calls without a warning or a listener left', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    cleanups.push(() => process.off('warning', onWarning))
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url, { connections: 50 })
    const { signal } = new AbortController()
    const replies = await Promise.all(Array.from({ length: 1000 }, () => call(conduit, { signal })))
    expect(replies.filter((reply) => reply.kind === 'answer')).toHaveLength(1000)
    await new Promise(setImmediate)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(warnings).toEqual([])
  })

  it('ends 1,000 calls at once, those that wait for a connection included', async () => {
    const server = await upstream(hang)
    const conduit = client(server.url, { connections: 50 })
    const controller = new AbortController()
    const calls = Array.from({ length: 1000 }, () => call(conduit, { signal: controller.signal }))
    await eventuallyHolds(() => expect(server.seen).toHaveLength(50))
    controller.abort()
    const ended = await Promise.allSettled(calls)
    expect(ended.every((end) => end.status === 'rejected' && end.reason instanceof CallAborted)).toBe(true)
    expect(server.seen).toHaveLength(50)
  })
})

describe('an answer that was there in time', () => {
  // The server runs in a thread of its own, so that it can answer while this one is busy.
  const ASKED = 1
  const MAY_ANSWER = 2
  const ANSWERED = 3
  const SERVER = `
    const { parentPort, workerData: state } = require('node:worker_threads')
    const server = require('node:http').createServer((request, response) => {
      request.resume().on('end', () => {
        Atomics.store(state, 0, ${ASKED})
        Atomics.wait(state, 0, ${ASKED})
        const answered = () => { Atomics.store(state, 0, ${ANSWERED}); Atomics.notify(state, 0) }
        response.end('{"choices":[{}]}', () => setTimeout(answered, 50))
      })
    })
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

  /** `answer` blocks this thread until the asked server has answered: nothing here can have read that yet. */
  async function threadedServer(): Promise<{ url: string; asked: () => boolean; answer: () => void }> {
    const state = new Int32Array(new SharedArrayBuffer(4))
    const thread = new Worker(SERVER, { eval: true, workerData: state })
    cleanups.push(() => thread.terminate())
    const [port] = await once(thread, 'message')
    return {
      url: `http://127.0.0.1:${port}`,
      asked: () => Atomics.load(state, 0) === ASKED,
      answer() {
        Atomics.store(state, 0, MAY_ANSWER)
        Atomics.notify(state, 0)
        Atomics.wait(state, 0, MAY_ANSWER, 5000)
        expect(Atomics.load(state, 0)).toBe(ANSWERED)
      },
    }
  }

  it.each([
    ['a timer', (run: () => void) => setTimeout(run)],
    ['an immediate', (run: () => void) => setImmediate(run)],
    ['a callback of the file system', (run: () => void) => stat('/', run)],
  ])('wins over an abort in %s at the same moment', async (_, later) => {
    const server = await threadedServer()
    const controller = new AbortController()
    const reply = call(client(server.url), { signal: controller.signal })
    await eventuallyHolds(() => expect(server.asked()).toBe(true))
    later(() => {
      server.answer()
      controller.abort()
    })
    expect(await reply).toMatchObject({ kind: 'answer', text: '{"choices":[{}]}' })
  })

  it('wins over a deadline that passed while this process was busy', async () => {
    const server = await threadedServer()
    const timeoutMs = 1000
    const calledAt = Date.now()
    const reply = call(client(server.url), { timeoutMs })
    await eventuallyHolds(() => expect(server.asked()).toBe(true))
    // From an immediate, so that timers come next and the sockets after them.
    setImmediate(() => {
      server.answer()
      while (Date.now() < calledAt + timeoutMs + 50);
    })
    expect(await reply).toMatchObject({ kind: 'answer', text: '{"choices":[{}]}' })
  })
})

describe('an answer that is too large', () => {
  it('is read up to the limit and ended beyond it', async () => {
    const server = await upstream((response, request) => {
      response.writeHead(200, { 'x-request-id': 'req_1' })
      if (request.headers.authorization === 'Bearer exactly') {
        response.end('x'.repeat(100_000))
        return
      }
      const pour = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', pour)
      pour()
    })
    const conduit = client(server.url, { maxResponseBytes: 100_000 })
    expect(await call(conduit, { apiKey: 'exactly' })).toMatchObject({ kind: 'answer' })
    expect(await call(conduit)).toEqual({
      kind: 'no_answer',
      code: 'response_too_large',
      status: 200,
      requestId: 'req_1',
      retryAfter: null,
      message: 'the answer is larger than 100000 bytes',
      maybeSent: true,
    })
    await eventuallyHolds(() => expect(server.dropped).toBe(1))
    expect(await call(conduit, { apiKey: 'exactly' })).toMatchObject({ kind: 'answer' })
  })
})

describe('the API key', () => {
  it('is taken out of an error that quotes it', async () => {
    const error = { message: `Invalid API key ${KEY}`, code: 'API_KEY_INVALID', details: { key: KEY } }
    for (const status of [401, 200]) {
      const server = await upstream((response) => json(response, status, JSON.stringify({ error })))
      const reply = await call(client(server.url))
      expect(JSON.stringify(reply)).not.toContain(KEY)
      expect(reply).toMatchObject({ text: expect.stringContaining('Invalid API key [API key]') })
    }
  })

  it('stays in a completion, which is the user’s own', async () => {
    const text = JSON.stringify({ choices: [{ message: { content: KEY } }] })
    const server = await upstream((response) => json(response, 200, text))
    expect(await call(client(server.url))).toMatchObject({ text })
  })

  it.each(['', 'sk conduit', 'sk-conduit\n', 'sk-cond\u00fcit', 'ключ'])(
    'that no header can carry (%j) is refused here, without a call',
    async (apiKey) => {
      const server = await upstream((response) => json(response, 200, COMPLETION))
      const reply = await call(client(server.url), { apiKey })
      expect(reply).toMatchObject({
        kind: 'no_answer',
        code: 'api_key_unusable',
        status: null,
        maybeSent: false,
      })
      if (apiKey !== '') expect(JSON.stringify(reply)).not.toContain(apiKey)
      expect(server.accepted).toBe(0)
    },
  )
})

describe('a request that is not JSON', () => {
  it('is refused here, without a call', async () => {
    const server = await upstream((response) => json(response, 200, COMPLETION))
    const conduit = client(server.url)
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    for (const body of [cycle, { seed: 1n }]) {
      const { signal } = new AbortController()
      expect(await conduit.complete(body, { apiKey: KEY, timeoutMs: 1000, signal })).toMatchObject({
        code: 'request_unsendable',
        maybeSent: false,
      })
    }
    expect(server.accepted).toBe(0)
  })
})

describe('models', () => {
  it('are asked for with the key and nothing else', async () => {
    const server = await upstream((response) => json(response, 200, '{"data":[{"id":"gpt-4o"}]}'))
    const reply = await client(`${server.url}/v1/`).models({ apiKey: KEY, timeoutMs: 1000 })
    expect(reply).toMatchObject({ kind: 'answer', status: 200, text: '{"data":[{"id":"gpt-4o"}]}' })
    expect(server.seen).toMatchObject([{ method: 'GET', url: '/v1/models', text: '' }])
    expect(server.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}` })
    expect(server.seen[0]?.headers).not.toHaveProperty('content-type')
  })
})

describe('close', () => {
  it('waits for the calls under way and then drops every connection', async () => {
    const held: ServerResponse[] = []
    const server = await upstream((response) => held.push(response))
    const conduit = client(server.url)
    const reply = call(conduit)
    await eventuallyHolds(() => expect(held).toHaveLength(1))
    const closed = conduit.close()
    if (held[0] !== undefined) json(held[0], 200, COMPLETION)
    expect(await reply).toMatchObject({ kind: 'answer' })
    await closed
    await eventuallyHolds(() => expect(server.sockets.size).toBe(0))
    expect(await call(conduit)).toMatchObject({ kind: 'no_answer', code: 'network_error', maybeSent: false })
    await conduit.close()
  })
})

describe('a base URL', () => {
  it.each([
    '',
    'api.conduit.im',
    'ftp://api.conduit.im',
    'https://me:secret@api.conduit.im',
    'https://x/?q=secret',
    'https://x/#secret',
  ])('like %j is refused, without repeating it', (baseUrl) => {
    const create = () => createConduitClient({ baseUrl })
    expect(create).toThrow(InvalidBaseUrl)
    expect(create).not.toThrow(/secret/)
  })
})
