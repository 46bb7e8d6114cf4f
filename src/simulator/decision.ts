import { type ChatBody, readChatBody, textsOf } from './chat-body.js'
import { completePrompt, completionJson } from './completion.js'
import { type ApiError, type ConduitCode, conduitError } from './envelope.js'
import { type BrokenAnswer, type FaultName, faultError, isBrokenAnswer } from './fault-names.js'
import type { DueFault } from './faults.js'
import { checkKey } from './keys.js'
import type { PromptRecord } from './prompt-records.js'
import { retryAfterHeader } from './retry-after.js'
import { limiterOf, type World } from './world.js'

/** A chat request as it arrived. `parsed` is undefined when the body is not JSON. */
export interface ChatCall {
  readonly requestId: string
  readonly authorization: string | undefined
  readonly parsed: unknown
  readonly prompt: PromptRecord
}

/** What a call gets. `completion` in a broken answer is the true body that it breaks. */
export type Decision =
  | { readonly kind: 'completed'; readonly json: string }
  | { readonly kind: 'refused'; readonly error: ApiError }
  | { readonly kind: 'fault'; readonly name: FaultName; readonly error: ApiError }
  | { readonly kind: 'broken'; readonly name: BrokenAnswer; readonly completionJson: string }

/** How long a client is told to wait when a rate-limit fault, not the limiter, refuses it. */
const FAULT_RETRY_AFTER_MS = 1_000

/** Decides a call and charges for it. In the order of a gateway: key, rate, body, model, faults, money. */
export function decide(world: World, call: ChatCall): Decision {
  const nowMs = world.now()
  const check = checkKey(world.settings, call.authorization)
  if (check.kind === 'refused') return refuse(check.code)
  const rate = limiterOf(world, check.key)?.take(nowMs)
  if (rate?.kind === 'refused') return refuseForNow(world, 'RATE_LIMIT_EXCEEDED', rate.retryAfterMs, nowMs)

  const read = readChatBody(call.parsed)
  if (read.kind === 'not_json') return refuse('BAD_REQUEST', { message: 'The body is not valid JSON' })
  if (read.kind === 'invalid') return refuse('VALIDATION_ERROR', { fields: read.fields })
  const { models } = world.settings
  if (models.length > 0 && !models.includes(read.body.model)) return refuse('CHAT_MODEL_NOT_FOUND')

  const fault = world.faults.pick(call.prompt, textsOf(read.body).all, nowMs)
  if (fault !== null && fault.name !== 'LOST_ANSWER') return failed(world, call, read.body, fault, nowMs)
  return charged(world, call, read.body, check.key, fault !== null, nowMs)
}

function charged(
  world: World,
  call: ChatCall,
  body: ChatBody,
  key: string,
  lost: boolean,
  nowMs: number,
): Decision {
  const completion = completePrompt(body, call.prompt.key)
  const tokens = completion.promptTokens + completion.completionTokens
  const reserve = { tokens: completion.promptTokens + (body.max_tokens ?? completion.completionTokens) }
  const charge = world.account.charge(key, world.settings, { model: body.model, tokens }, nowMs, reserve)
  switch (charge.kind) {
    case 'charged': {
      const json = completionJson(completion, body.model, call.requestId, nowMs)
      return lost
        ? { kind: 'broken', name: 'LOST_ANSWER', completionJson: json }
        : { kind: 'completed', json }
    }
    case 'insufficient_funds':
      return refuse('BILLING_INSUFFICIENT_FUNDS', affordableWords(reserve.tokens, charge.affordableTokens))
    case 'spending_limit':
      return refuse('API_KEY_LIMIT_EXCEEDED')
    case 'daily_quota':
      return refuseForNow(world, 'RATE_LIMIT_QUOTA_EXCEEDED', charge.resetsInMs, nowMs)
  }
}

/** As gateways say it that know what a call may cost before they make it. */
function affordableWords(tokens: number, affordable: number | null): { message?: string } {
  if (affordable === null) return {}
  return { message: `This request needs up to ${tokens} tokens, but can only afford ${affordable} tokens` }
}

function failed(world: World, call: ChatCall, body: ChatBody, fault: DueFault, nowMs: number): Decision {
  const { name } = fault
  if (isBrokenAnswer(name)) {
    const completion = completePrompt(body, call.prompt.key)
    return {
      kind: 'broken',
      name,
      completionJson: completionJson(completion, body.model, call.requestId, nowMs),
    }
  }
  const error = faultError(name)
  const fields = name === 'VALIDATION_ERROR' ? { fields: { messages: 'simulated fault' } } : {}
  const retryAfter = faultRetryAfter(world, fault, nowMs)
  return {
    kind: 'fault',
    name,
    error: { ...error, ...fields, ...(retryAfter === undefined ? {} : { retryAfter }) },
  }
}

/** A rule may name a Retry-After; otherwise only the rate limits have one. */
function faultRetryAfter(world: World, fault: DueFault, nowMs: number): string | undefined {
  if (fault.retryAfterSeconds !== undefined) return String(fault.retryAfterSeconds)
  const limited = fault.name === 'RATE_LIMIT_EXCEEDED' || fault.name === 'CHAT_RATE_LIMIT_EXCEEDED'
  return limited ? retryAfterHeader(world.settings.retryAfter, FAULT_RETRY_AFTER_MS, nowMs) : undefined
}

function refuse(code: ConduitCode, more?: Parameters<typeof conduitError>[1]): Decision {
  return { kind: 'refused', error: conduitError(code, more) }
}

function refuseForNow(world: World, code: ConduitCode, waitMs: number, nowMs: number): Decision {
  const retryAfter = retryAfterHeader(world.settings.retryAfter, waitMs, nowMs)
  return refuse(code, retryAfter === undefined ? {} : { retryAfter })
}
