import type { HoldRequest } from '../admission/gate.js'
import type { CallResult, Permit } from '../admission/permits.js'
import type { ApiKey } from '../conduit/api-key.js'
import { classify } from '../conduit/classify.js'
import { CallAborted } from '../conduit/client.js'
import type { Failure, Outcome } from '../conduit/outcome.js'
import type { Reply } from '../conduit/reply.js'
import type { Tries } from './decide.js'
import type { HandleDeps } from './handle-deps.js'
import type { BatchOptions, CompletionRequest } from './request.js'
import type { SuspectMark } from './suspects/mark.js'
import type { Refusal } from './suspects/suspects.js'

/** Why a call is aborted whose job another worker may run by now. */
export const LOCK_LOST = 'lock lost'

/** What came of a call. `held`: it closed the gate, or found it closed; `suspected`: a 402 that may concern it alone. */
export type Called =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | { readonly kind: 'held' }
  | { readonly kind: 'suspected'; readonly delayMs: number; readonly mark: SuspectMark }
  | { readonly kind: 'unaffordable'; readonly failure: Failure }

/** One call, and what it means for the queue. @throws CallAborted */
export async function call(
  request: CompletionRequest,
  tries: Tries,
  options: BatchOptions,
  permit: Permit,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Called> {
  const key = await deps.apiKey(permit.epoch)
  if (signal.aborted) throw new CallAborted()
  const sending = { apiKey: key.secret, timeoutMs: options.timeoutMs, signal }
  const reply = await deps.conduit.complete(request.body, sending).catch(async (error: unknown) => {
    // It went out, and nobody will hear the answer. Who took our job away has counted it.
    if (error instanceof CallAborted && signal.reason !== LOCK_LOST)
      await deps.count(request.batch, 'maybeBilled')
    throw error
  })
  const outcome = classify(reply, deps.now())
  if (outcome.kind === 'completed') deps.suspects.answered(request)
  const refusal = outcome.kind === 'held' ? await refuse(request, outcome, permit.epoch, key, deps) : null
  permit.report(callResult(outcome, tries, reply.rateLimit))
  // A refusal of an earlier epoch: the gate stays open, and the request simply goes again.
  if (refusal === null || refusal.kind === 'stale') return { kind: 'ended', outcome }
  deps.onOutcome(request, outcome, null)
  return refusal
}

/** A daily quota is back within a day, wherever its midnight is: a Retry-After beyond two is not believed. */
const LONGEST_HOLD_MS = 48 * 3600_000

/** A refusal that concerns the whole queue, as far as it is known by now. */
async function refuse(
  request: CompletionRequest,
  { failure, reason, retryAfterMs }: Extract<Outcome, { kind: 'held' }>,
  epoch: number,
  key: ApiKey,
  deps: HandleDeps,
): Promise<Refusal> {
  const { code, message, requestId } = failure
  const hold: HoldRequest = {
    reason,
    by: deps.workerName,
    code,
    message,
    requestId,
    keyFingerprint: key.fingerprint,
    epoch,
    retryAfterMs: Math.min(LONGEST_HOLD_MS, retryAfterMs ?? 0),
  }
  const refusal =
    reason === 'credits' ? await deps.suspects.refused(request, failure, hold) : await holdGate(hold, deps)
  if (refusal.kind === 'held') deps.permits.hold()
  return refusal
}

async function holdGate(hold: HoldRequest, { gate }: HandleDeps): Promise<Refusal> {
  return { kind: (await gate.hold(hold)) === 'stale' ? 'stale' : 'held' }
}

/** Ours: no call was made. */
const NEVER_SENT = ['api_key_unusable', 'request_unsendable']

/** No answer, a timeout, or a 5xx. */
function isOut({ status }: Failure): boolean {
  return status === null || status === 408 || status >= 500
}

function callResult(outcome: Outcome, tries: Tries, rateLimit: Reply['rateLimit']): CallResult {
  const told = rateLimit === undefined ? {} : { limit: rateLimit }
  switch (outcome.kind) {
    case 'completed':
      return { kind: 'answered', ...told }
    case 'throttled':
      return { kind: 'refused', retryAfterMs: outcome.retryAfterMs, ...told }
    case 'retry':
      // A 200 of no use is an answer: whatever is wrong, Conduit is not out.
      if (!isOut(outcome.failure)) return { kind: 'otherwise', ...told }
      return { kind: 'failed', fresh: tries.made === 0 && tries.outages === 0 }
    case 'held':
    case 'dead':
      if (NEVER_SENT.includes(outcome.failure.code)) return { kind: 'unsent' }
      return { kind: 'otherwise', ...told }
  }
}
