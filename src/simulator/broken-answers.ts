import type { ServerResponse } from 'node:http'
import { sendJson, sendText } from './answers.js'
import { conduitError, envelopeJson } from './envelope.js'
import type { BrokenAnswer } from './fault-names.js'

/** Where a REDIRECT points: whoever follows is counted. */
export const REDIRECT_TARGET = '/_simulator/redirected'

/** The length of a HUGE_BODY's content. */
const HUGE_BODY_BYTES = 64 * 1024 * 1024

const CHUNK = Buffer.alloc(64 * 1024, 'a')
const HTML_502 =
  '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'

/** An answer about to be broken. `completionJson` is what a good one would have been. */
export interface AnswerToBreak {
  readonly response: ServerResponse
  readonly requestId: string
  readonly completionJson: string
  readonly nowMs: number
}

interface Breaking {
  /** What the client sees; 0 where it sees none. */
  readonly status: number
  readonly send: (answer: AnswerToBreak) => void
}

const BREAKINGS: Readonly<Record<BrokenAnswer, Breaking>> = {
  HTML_502: { status: 502, send: (to) => sendText(to.response, 502, to.requestId, 'text/html', HTML_502) },
  NOT_JSON: {
    status: 200,
    send: (to) => sendText(to.response, 200, to.requestId, 'text/plain', 'connected'),
  },
  NO_CHOICES: { status: 200, send: (to) => sendWithChoices(to, undefined) },
  EMPTY_CHOICES: { status: 200, send: (to) => sendWithChoices(to, []) },
  ERROR_IN_200: { status: 200, send: sendErrorIn200 },
  EMPTY_BODY: { status: 200, send: (to) => sendJson(to.response, 200, to.requestId, '') },
  TRUNCATED_BODY: { status: 200, send: (to) => sendHalf(to, () => to.response.destroy()) },
  STALLED_BODY: { status: 200, send: (to) => sendHalf(to, () => undefined) },
  HUGE_BODY: { status: 200, send: sendHuge },
  REDIRECT: { status: 302, send: sendRedirect },
  RESET: { status: 0, send: (to) => to.response.socket?.resetAndDestroy() },
  HANG: { status: 0, send: () => undefined },
  LOST_ANSWER: { status: 0, send: (to) => to.response.socket?.resetAndDestroy() },
}

/** The status that a broken answer shows; 0 where the client sees none. */
export function statusOfBrokenAnswer(name: BrokenAnswer): number {
  return BREAKINGS[name].status
}

/** Answers in a way that no client wishes for. */
export function sendBrokenAnswer(name: BrokenAnswer, answer: AnswerToBreak): void {
  BREAKINGS[name].send(answer)
}

function sendWithChoices(
  { response, requestId, completionJson }: AnswerToBreak,
  choices: [] | undefined,
): void {
  sendJson(response, 200, requestId, JSON.stringify({ ...(JSON.parse(completionJson) as object), choices }))
}

function sendErrorIn200({ response, requestId, nowMs }: AnswerToBreak): void {
  sendJson(response, 200, requestId, envelopeJson(conduitError('INTERNAL_SERVER_ERROR'), requestId, nowMs))
}

function sendRedirect({ response, requestId }: AnswerToBreak): void {
  response.writeHead(302, { location: REDIRECT_TARGET, 'content-length': 0, 'x-request-id': requestId })
  response.end()
}

function sendHalf(answer: AnswerToBreak, afterwards: () => void): void {
  const whole = Buffer.from(answer.completionJson)
  writeHead200(answer, whole.length)
  answer.response.write(whole.subarray(0, whole.length / 2), afterwards)
}

/** A completion that is valid but enormous, written as fast as the client takes it. */
function sendHuge(answer: AnswerToBreak): void {
  const { response } = answer
  const head = '{"choices":[{"index":0,"message":{"role":"assistant","content":"'
  const tail = '"},"finish_reason":"stop"}]}'
  writeHead200(answer, head.length + HUGE_BODY_BYTES + tail.length)
  response.write(head)
  let leftBytes = HUGE_BODY_BYTES
  const writeMore = () => {
    while (leftBytes > 0 && !response.destroyed) {
      leftBytes -= CHUNK.length
      if (!response.write(CHUNK)) {
        response.once('drain', writeMore)
        return
      }
    }
    if (!response.destroyed) response.end(tail)
  }
  writeMore()
}

function writeHead200({ response, requestId }: AnswerToBreak, contentLength: number): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': contentLength,
    'x-request-id': requestId,
  })
}
