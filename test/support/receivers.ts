import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { putAwayAfterAll } from './put-away.js'

const closers = new Set<() => void>()

/** An alert as the webhook gets it. */
export interface ReceivedAlert {
  readonly type: string
  readonly incident: string
  readonly [field: string]: unknown
}

/** A webhook that takes every alert, but for the first few, which it answers with 503. */
export async function receiveAlerts(
  refuse = 0,
): Promise<{ readonly url: string; readonly alerts: ReceivedAlert[]; readonly refused: ReceivedAlert[] }> {
  const alerts: ReceivedAlert[] = []
  const refused: ReceivedAlert[] = []
  const url = await listen(async (request) => {
    const alert = JSON.parse(await bodyOf(request)) as ReceivedAlert
    const taken = refused.length >= refuse
    const list = taken ? alerts : refused
    list.push(alert)
    return { status: taken ? 204 : 503, text: '' }
  })
  return { url, alerts, refused }
}

/** A call as it came over the wire. */
export interface ReceivedCall {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

/** A Conduit for what the simulator does not show: the bodies that arrive, and answers when the test wants them. */
export interface RecordingConduit {
  readonly baseUrl: string
  readonly calls: readonly ReceivedCall[]
  /** Answers that are held back now. */
  readonly held: number
  readonly mostInFlight: number
  /** Lets go what is held back, and holds nothing any more. */
  release(): void
}

/** Keeps each call and answers it; those that `holds` picks, by what they are or their number from 1, only after `release`. */
export async function recordCalls(
  holds: (call: ReceivedCall, number: number) => boolean = () => false,
): Promise<RecordingConduit> {
  const calls: ReceivedCall[] = []
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let held = 0
  let inFlight = 0
  let mostInFlight = 0
  const url = await listen(async (request) => {
    const { method, url: path, headers } = request
    const call = { method, path, headers, body: JSON.parse(await bodyOf(request)) as ReceivedCall['body'] }
    const number = calls.push(call)
    inFlight++
    mostInFlight = Math.max(mostInFlight, inFlight)
    if (holds(call, number)) {
      held++
      await released
      held--
    }
    inFlight--
    return { status: 200, text: completion(call, calls.length) }
  })
  return {
    baseUrl: `${url}v1`,
    calls,
    get held() {
      return held
    },
    get mostInFlight() {
      return mostInFlight
    },
    release,
  }
}

/** Like the simulator's, it repeats the prompt, so that an answer can be told from every other. */
function completion({ body }: ReceivedCall, number: number): string {
  const last = (body.messages as { readonly content: unknown }[]).at(-1)?.content
  return JSON.stringify({
    id: `chatcmpl-${number}`,
    object: 'chat.completion',
    created: 1_770_000_000,
    model: body.model,
    choices: [
      { index: 0, message: { role: 'assistant', content: `An answer to: ${last}` }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  })
}

interface Answer {
  readonly status: number
  readonly text: string
}

async function listen(answer: (request: IncomingMessage) => Promise<Answer>): Promise<string> {
  const server = createServer(async (request, response) => {
    const { status, text } = await answer(request)
    response
      .writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'req_recorded' })
      .end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

putAwayAfterAll(() => {
  for (const close of closers) close()
  closers.clear()
})
