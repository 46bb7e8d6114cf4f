import { noAnswerRuling, ownCodeFor, type Ruling, ruleFor, UNREADABLE_RULING } from './codes.js'
import { boundedMessage, boundedRequestId, readEnvelope } from './envelope.js'
import type { Failure } from './outcome.js'
import type { Reply } from './reply.js'
import { parseJson } from './text.js'

type Answer = Extract<Reply, { kind: 'answer' }>
type NoAnswer = Extract<Reply, { kind: 'no_answer' }>

/** The evidence in a reply that is not what was asked for; never throws. */
export function failureOf(reply: Reply): Failure {
  return reply.kind === 'answer' ? failureOfAnswer(reply) : failureOfNoAnswer(reply)
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
  const failure = {
    status: reply.status,
    code: envelope?.code ?? ownCodeFor(reply.status),
    message: envelope?.message ?? `HTTP ${reply.status} with ${bodyKind(reply.text, json)}`,
    requestId: envelope?.requestId ?? boundedRequestId(reply.requestId),
    envelope: envelope?.error ?? null,
  }
  return isSuccess(reply.status) && envelope === null ? maybeBilled(failure) : failure
}

function failureOfNoAnswer(reply: NoAnswer): Failure {
  const errorStatus = reply.status !== null && ruleFor(reply.status, null) !== null ? reply.status : null
  const failure = {
    status: reply.status,
    code: errorStatus === null ? reply.code : ownCodeFor(errorStatus),
    message: boundedMessage(
      errorStatus === null ? reply.message : `HTTP ${errorStatus}, but ${reply.message}`,
    ),
    requestId: boundedRequestId(reply.requestId),
    envelope: null,
  }
  return reply.maybeSent && errorStatus === null ? maybeBilled(failure) : failure
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
