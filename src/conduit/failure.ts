import { noAnswerRuling, ownCodeFor, type Ruling, ruleFor, UNREADABLE_RULING } from './codes.js'
import { boundedMessage, boundedRequestId, readEnvelope } from './envelope.js'
import type { Failure } from './outcome.js'
import type { Reply } from './reply.js'
import { parseJson } from './text.js'

type Answer = Extract<Reply, { kind: 'answer' }>
type NoAnswer = Extract<Reply, { kind: 'no_answer' }>

/** The evidence in a reply that is not the completion that was asked for; never throws. */
export function failureOf(reply: Reply): Failure {
  const failure = failureOfFree(reply)
  return isPerhapsBilled(reply) ? maybeBilled(failure) : failure
}

/** The same of a call that costs nothing. */
export function failureOfFree(reply: Reply): Failure {
  return reply.kind === 'answer' ? failureOfAnswer(reply) : failureOfNoAnswer(reply)
}

function isPerhapsBilled(reply: Reply): boolean {
  if (reply.kind === 'answer') return isSuccess(reply.status) && readEnvelope(parseJson(reply.text)) === null
  return reply.maybeSent && !isErrorStatus(reply.status)
}

function isErrorStatus(status: number | null): status is number {
  return status !== null && ruleFor(status, null) !== null
}

/** What such a reply means, given the code of its failure. A status of 300 or more always decides; see `ruleFor`. */
export function rulingOf(reply: Reply, code: string): Ruling {
  const rule = reply.status === null ? null : ruleFor(reply.status, code)
  if (rule !== null) return rule.ruling
  return reply.kind === 'answer' ? UNREADABLE_RULING : noAnswerRuling(reply.code)
}

function failureOfAnswer(reply: Answer): Failure {
  const json = parseJson(reply.text)
  const envelope = readEnvelope(json)
  return {
    status: reply.status,
    code: envelope?.code ?? ownCodeFor(reply.status),
    message: envelope?.message ?? `HTTP ${reply.status} with ${bodyKind(reply.text, json)}`,
    requestId: envelope?.requestId ?? boundedRequestId(reply.requestId),
    envelope: envelope?.error ?? null,
  }
}

function failureOfNoAnswer(reply: NoAnswer): Failure {
  const errorStatus = isErrorStatus(reply.status) ? reply.status : null
  return {
    status: reply.status,
    code: errorStatus === null ? reply.code : ownCodeFor(errorStatus),
    message: boundedMessage(
      errorStatus === null ? reply.message : `HTTP ${errorStatus}, but ${reply.message}`,
    ),
    requestId: boundedRequestId(reply.requestId),
    envelope: null,
  }
}

function maybeBilled(failure: Failure): Failure {
  return {
    ...failure,
    message: boundedMessage(`${failure.message}; it may have been billed`),
    maybeBilled: true,
  }
}

/** Never the body itself: it may hold a prompt or an answer. */
function bodyKind(text: string, json: unknown): string {
  if (text.trim() === '') return 'an empty body'
  if (/^\s*</.test(text)) return `a page of HTML or XML (${text.length} characters)`
  if (json === undefined) return `a body that is not JSON (${text.length} characters)`
  return 'a JSON body that is neither a completion nor an error as Conduit documents it'
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299
}
