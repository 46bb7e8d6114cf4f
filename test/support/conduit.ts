import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { putAwayAfterAll } from './put-away.js'

const closers = new Set<() => void>()

/** What a scripted Conduit sends. */
export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** A call that is out: it waits until the test answers it. */
export interface OpenCall {
  /** Text of its last message. */
  readonly prompt: string
  readonly authorization: string | undefined
  /** Whether the client has gone. */
  readonly aborted: boolean
  answer(reply?: Reply): void
}

/** A Conduit whose answers come when, and as, the test says. */
export interface ScriptedConduit {
  readonly baseUrl: string
  /** All calls so far, in the order of their arrival. */
  readonly calls: OpenCall[]
}

/** @param reply what a call gets at once; null leaves it out, until the test answers it */
export async function scriptConduit(
  reply: (prompt: string, call: number) => Reply | null = () => null,
): Promise<ScriptedConduit> {
  const calls: OpenCall[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = JSON.parse(Buffer.concat(parts).toString()) as { messages: { content: string }[] }
    let aborted = false
    response.once('close', () => {
      aborted = !response.writableEnded
    })
    const call: OpenCall = {
      prompt: body.messages.at(-1)?.content ?? '',
      authorization: request.headers.authorization,
      get aborted() {
        return aborted
      },
      answer({ status, body, headers } = completion()) {
        const text = typeof body === 'string' ? body : JSON.stringify(body)
        response.writeHead(status, {
          'content-type': 'application/json',
          'x-request-id': 'req_1',
          ...headers,
        })
        response.end(text)
      },
    }
    calls.push(call)
    const now = reply(call.prompt, calls.length)
    if (now !== null) call.answer(now)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.close()
    server.closeAllConnections()
  })
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, calls }
}

export function completion(text = 'ok'): Reply {
  const usage = { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 }
  return { status: 200, body: { choices: [{ message: { role: 'assistant', content: text } }], usage } }
}

export function failure(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const error = {
    code,
    message: `refused: ${code}`,
    requestId: 'req_1',
    timestamp: '2026-03-09T12:00:00.000Z',
  }
  return { status, body: { error }, headers }
}

putAwayAfterAll(() => {
  for (const close of closers) close()
  closers.clear()
})
