import type { ConduitHoldReason } from './outcome.js'
import type { NoAnswerCode } from './reply.js'

/** What an error means for the request and its queue: every outcome but `completed`, without its evidence. */
export type Ruling =
  | { readonly kind: 'retry' }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'held'; readonly reason: ConduitHoldReason }
  | { readonly kind: 'dead' }

/** One line of the table of statuses and codes. */
export interface StatusRule {
  readonly from: number
  readonly to: number
  /** The code Conduit documents for this status; null: this status with any other code, or with none. */
  readonly code: string | null
  readonly ruling: Ruling
  readonly means: string
}

const retry: Ruling = { kind: 'retry' }
const throttled: Ruling = { kind: 'throttled' }
const dead: Ruling = { kind: 'dead' }
const held = (reason: ConduitHoldReason): Ruling => ({ kind: 'held', reason })

const one = (status: number, code: string | null, ruling: Ruling, means: string): StatusRule => ({
  from: status,
  to: status,
  code,
  ruling,
  means,
})
const range = (from: number, to: number, ruling: Ruling, means: string): StatusRule => ({
  from,
  to,
  code: null,
  ruling,
  means,
})

/**
 * Conduit: Error Handling and Rate Limiting, and what we do where those pages disagree or are silent. Read from the
 * top: the first line that fits the status and the code decides.
 */
export const STATUS_RULES: readonly StatusRule[] = [
  one(400, 'VALIDATION_ERROR', dead, 'a field breaks a rule; `details.fields` says which'),
  one(400, 'BAD_REQUEST', dead, 'the request is malformed'),

  one(401, 'API_KEY_INVALID', held('credentials'), 'the API key does not exist or was revoked'),
  one(401, 'API_KEY_EXPIRED', held('credentials'), 'the API key has expired'),
  one(401, 'AUTH_UNAUTHORIZED', held('credentials'), 'no credentials were accepted'),
  one(401, null, held('credentials'), 'the credentials were refused'),

  one(402, 'BILLING_INSUFFICIENT_FUNDS', held('credits'), 'the account is out of credits'),
  one(402, null, held('credits'), 'the account has to pay first'),

  one(403, 'AUTH_FORBIDDEN', dead, 'the key is not allowed to do this'),
  one(404, 'NOT_FOUND', dead, 'there is nothing at this address'),
  one(404, 'CHAT_MODEL_NOT_FOUND', dead, 'the model does not exist'),

  one(408, null, retry, 'the request took too long to arrive'),
  one(425, null, retry, 'sent too early'),

  one(429, 'RATE_LIMIT_EXCEEDED', throttled, 'too many requests a minute for this key'),
  one(429, 'CHAT_RATE_LIMIT_EXCEEDED', throttled, 'too many chat completions a minute for this key'),
  one(429, 'RATE_LIMIT_QUOTA_EXCEEDED', held('daily_quota'), 'the daily quota is used up until midnight UTC'),
  one(429, 'API_KEY_LIMIT_EXCEEDED', held('spending_limit'), "the key's spending limit is reached"),
  one(429, null, throttled, 'too many requests'),

  one(500, 'INTERNAL_SERVER_ERROR', retry, 'Conduit failed'),
  one(503, 'SERVICE_UNAVAILABLE', retry, 'Conduit or the model is not available'),
  one(504, 'SERVICE_TIMEOUT', retry, 'the model took too long; safe to retry'),

  range(300, 399, dead, 'a redirect, never followed with the key'),
  range(400, 499, dead, 'refused (409, 422 and every other 4xx)'),
  range(500, 599, retry, 'the server failed'),
]

/** A code that conduit-batch gives when Conduit gave none. */
export interface OwnCode {
  readonly code: string
  /** null: the status decides, by `STATUS_RULES`. */
  readonly ruling: Ruling | null
  readonly means: string
}

const NO_ANSWER: Readonly<Record<NoAnswerCode, Omit<OwnCode, 'code'> & { readonly ruling: Ruling }>> = {
  network_error: {
    ruling: retry,
    means: 'the connection could not be made, or broke before the answer ended',
  },
  timeout: { ruling: retry, means: 'no complete answer before the deadline' },
  response_too_large: { ruling: dead, means: 'the answer is too large; asking again would pay again for it' },
  api_key_unusable: { ruling: held('credentials'), means: 'the API key is empty or no header can carry it' },
  request_unsendable: { ruling: dead, means: 'the request body cannot be written as JSON' },
}

/** Any status that `STATUS_RULES` does not know, and a 200 that is no completion. */
const UNREADABLE: OwnCode & { readonly ruling: Ruling } = {
  code: 'unreadable_answer',
  ruling: retry,
  means: 'a 2xx (or a status that does not exist) that holds no completion',
}

/** The codes this room gives itself, for the documentation. */
export const OWN_CODES: readonly OwnCode[] = [
  ...Object.entries(NO_ANSWER).map(([code, row]) => ({ code, ...row })),
  UNREADABLE,
  {
    code: 'redirect',
    ruling: dead,
    means: 'a 3xx: the base URL is not the API; the key is never sent elsewhere',
  },
  { code: 'http_<status>', ruling: null, means: 'an error without an envelope that can be read' },
]

/**
 * The line that decides about a status. A code only counts with a status that Conduit documents it for: a proxy or a
 * bug that pairs `API_KEY_INVALID` with 500 must not stop a queue, and `VALIDATION_ERROR` with 429 must not kill a
 * request. Gives null for a status that is no error (1xx, 2xx, anything outside HTTP).
 */
export function ruleFor(status: number, code: string | null): StatusRule | null {
  const fits = (rule: StatusRule) => status >= rule.from && status <= rule.to
  return STATUS_RULES.find((rule) => fits(rule) && (rule.code === null || rule.code === code)) ?? null
}

/** What an answer means that is neither an error status nor a completion. */
export const UNREADABLE_RULING: Ruling = UNREADABLE.ruling

/** What it means that no answer came, when no status can decide. */
export function noAnswerRuling(code: NoAnswerCode): Ruling {
  return NO_ANSWER[code].ruling
}

/** Our code for a status whose answer carries none of Conduit's. */
export function ownCodeFor(status: number): string {
  if (ruleFor(status, null) === null) return UNREADABLE.code
  return status < 400 ? 'redirect' : `http_${status}`
}
