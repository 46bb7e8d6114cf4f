import type { Gate, HoldRequest } from '../admission/gate.js'
import type { CallResult, Permit, Permits } from '../admission/permits.js'
import type { ApiKey } from '../conduit/api-key.js'
import { classify } from '../conduit/classify.js'
import { CallAborted, type ConduitClient } from '../conduit/client.js'
import type { Failure, Outcome } from '../conduit/outcome.js'
import type { Reply } from '../conduit/reply.js'
import { refusesWrites } from '../redis/unwritable.js'
import type { FailedAttempt } from './attempts.js'
import { type Decision, deadEnding, decide, type Tries, UNAFFORDABLE } from './decide.js'
import type { Ending, Recorded, Verdict } from './record.js'
import type { BatchOptions, CompletionRequest, RequestPlace } from './request.js'
import type { SuspectMark } from './suspects/mark.js'
import { sizeOf } from './suspects/size.js'
import type { Refusal, Suspects } from './suspects/suspects.js'
import type { WaitingBatches } from './waiting-batches.js'

/**
 * What becomes of the job. Only `retry` uses an attempt; `leave` means it is over, `lost` that it is not ours any more.
 */
export type Settlement =
  | { readonly kind: 'leave' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: FailedAttempt }
  | {
      readonly kind: 'delay'
      readonly delayMs: number
      readonly refusals?: number
      readonly outages?: number
      readonly suspect?: SuspectMark
    }
  | { readonly kind: 'give_back' }

/** What a batch counts besides its endings. */
export type Counter = 'retries' | 'throttled' | 'maybeBilled'

/** What the handling of a request needs of the world. */
export interface HandleDeps {
  readonly verdict: (place: RequestPlace) => Promise<Verdict>
  readonly record: (place: RequestPlace, ending: Ending) => Promise<Recorded>
  readonly options: (batch: string) => Promise<BatchOptions>
  /** Adds one to a counter of the batch. */
  readonly count: (batch: string, counter: Counter) => Promise<void>
  readonly permits: Permits
  readonly waiting: WaitingBatches
  readonly gate: Gate
  readonly suspects: Suspects
  readonly conduit: ConduitClient
  /** The key for calls of a gate epoch: read again when the epoch is a new one. */
  readonly apiKey: (epoch: number) => Promise<ApiKey>
  /** Makes BullMQ's pause follow the gate; awaited before a job goes back to its place. */
  readonly mirrorGate: () => Promise<void>
  readonly workerName: string
  /** Told that an answer could not be recorded, and that it is tried again. */
  readonly onRecordFailed: (error: unknown) => void
  readonly now: () => number
  readonly random: () => number
  readonly onOutcome: (request: CompletionRequest, outcome: Outcome, recorded: Recorded | null) => void
}

const FULL_MS = 2000

/** One request, once around: permit → verdict → call → classify → record, and what becomes of its job. */
export async function handleRequest(
  request: CompletionRequest,
  tries: Tries,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Settlement> {
  const putOffMs = deps.waiting.putOffMs(request.batch)
  if (putOffMs !== null) return { kind: 'delay', delayMs: putOffMs }
  const { suspect, ...plain } = request
  if (suspect === undefined) return sendOnce(request, tries, signal, deps)
  const back = await deps.suspects.reconsider(request, suspect)
  switch (back.kind) {
    case 'go':
      return sendOnce(back.mark === null ? plain : request, tries, signal, deps)
    case 'wait':
      return { kind: 'delay', delayMs: back.delayMs }
    case 'held':
      deps.permits.hold()
      return giveBack(deps)
    case 'unaffordable':
      return endUnaffordable(request, back.failure, tries, signal, deps)
  }
}

/** A smaller request goes first: there is room for it until then. */
const MAKE_ROOM_MS = 1000

async function sendOnce(
  request: CompletionRequest,
  tries: Tries,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Settlement> {
  const roomMs = deps.suspects.putOffMs(request)
  if (roomMs !== null) return { kind: 'delay', delayMs: roomMs }
  const admission = await deps.permits.acquire(request.batch, sizeOf(request.body))
  if (admission.kind === 'held') return giveBack(deps)
  if (admission.kind === 'closing') return { kind: 'give_back' }
  if (admission.kind === 'put_off') return { kind: 'delay', delayMs: MAKE_ROOM_MS }
  const { permit } = admission
  try {
    // After the permit, not before: it may have waited long for it.
    const leave = await askLeave(request, deps)
    if (leave.kind !== 'go') return leave
    const { options } = leave
    const called = await call(request, tries, options, permit, signal, deps)
    switch (called.kind) {
      case 'held':
        return giveBack(deps)
      case 'suspected':
        return { kind: 'delay', delayMs: called.delayMs, suspect: called.mark }
      case 'unaffordable':
        return await endUnaffordable(request, called.failure, tries, signal, deps)
      case 'ended': {
        const { outcome } = called
        // Asked only now: the result of this call may be what showed an outage, or its end.
        const { outage } = deps.permits
        const context = { tries, options, nowMs: deps.now(), random: deps.random(), outage }
        return await carryOut(request, outcome, decide(request, outcome, context), signal, deps)
      }
    }
  } catch (error) {
    if (!(error instanceof CallAborted)) throw error
    return { kind: 'give_back' }
  } finally {
    // Counts only where nothing better was reported: the call was not made, or did not end.
    permit.report({ kind: 'unsent' })
  }
}

/** Others are answered and it is not: a dead letter, without another call. */
async function endUnaffordable(
  request: CompletionRequest,
  refused: Failure,
  tries: Tries,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Settlement> {
  const leave = await askLeave(request, deps)
  if (leave.kind !== 'go') return leave
  const calls = { ...tries, made: tries.made + 1 }
  const ending = deadEnding(request, refused, UNAFFORDABLE, calls, deps.now())
  const outcome: Outcome = { kind: 'dead', failure: { ...refused, code: UNAFFORDABLE } }
  return await carryOut(request, outcome, { kind: 'end', ending }, signal, deps)
}

/** An answer that took longer may have waited while this process, or Redis, stood still: it says nothing about now. */
const FRESH_VERDICT_MS = 2000

/** Leave to call, with the options to call with; or what becomes of the job without a call. */
type Leave = { readonly kind: 'go'; readonly options: BatchOptions } | Settlement

async function askLeave(request: CompletionRequest, deps: HandleDeps): Promise<Leave> {
  for (;;) {
    const askedAt = performance.now()
    const verdict = await deps.verdict(request)
    if (verdict !== 'wait' && verdict !== 'lost') deps.waiting.clear(request.batch)
    switch (verdict) {
      case 'go':
        break
      case 'lost':
        return { kind: 'lost' }
      case 'wait':
        return { kind: 'delay', delayMs: deps.waiting.wait(request.batch) }
      case 'done':
      case 'stopped':
        return { kind: 'leave' }
    }
    const options = optionsFor(request, await deps.options(request.batch))
    if (performance.now() - askedAt < FRESH_VERDICT_MS) return { kind: 'go', options }
  }
}

/** The options of its batch, but for what the request itself asks for. */
function optionsFor({ limits }: CompletionRequest, options: BatchOptions): BatchOptions {
  return {
    ...options,
    maxAttempts: limits?.maxAttempts ?? options.maxAttempts,
    timeoutMs: limits?.timeoutMs ?? options.timeoutMs,
  }
}

/** Back to its place, no attempt used; the queue is paused first, or the job would be fetched again at once. */
async function giveBack(deps: HandleDeps): Promise<Settlement> {
  try {
    await deps.mirrorGate()
  } catch (error) {
    if (!refusesWrites(error)) throw error
    // BullMQ can't pause a queue then.
    return { kind: 'delay', delayMs: FULL_MS * (1 + deps.random()) }
  }
  return { kind: 'give_back' }
}

/** Why a call is aborted whose job another worker may run by now. */
export const LOCK_LOST = 'lock lost'

/** What came of a call. `held`: it closed the gate, or found it closed; `suspected`: a 402 that may concern it alone. */
type Called =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | { readonly kind: 'held' }
  | { readonly kind: 'suspected'; readonly delayMs: number; readonly mark: SuspectMark }
  | { readonly kind: 'unaffordable'; readonly failure: Failure }

async function call(
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

async function carryOut(
  request: CompletionRequest,
  outcome: Outcome,
  decision: Decision,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Settlement> {
  const { batch } = request
  const recorded = decision.kind === 'end' ? await keep(request, decision.ending, signal, deps) : null
  deps.onOutcome(request, outcome, recorded)
  // Conduit has no idempotency key: an answer that got lost may have been billed, so at least it is counted.
  if ('failure' in outcome && outcome.failure.maybeBilled) await deps.count(batch, 'maybeBilled')
  switch (decision.kind) {
    case 'end':
      return { kind: 'leave' }
    case 'retry':
      await deps.count(batch, 'retries')
      return decision
    case 'throttled':
      await deps.count(batch, 'throttled')
      return { kind: 'delay', delayMs: decision.delayMs, refusals: decision.refusals }
    case 'outage':
      // It is called again all the same, and that is what people are told.
      await deps.count(batch, 'retries')
      return { kind: 'delay', delayMs: decision.delayMs, outages: decision.outages }
    case 'again':
      return { kind: 'delay', delayMs: decision.delayMs }
  }
}

const RECORD_AGAIN_MS = 1000
/** A batch that is unknown for this many seconds was purged. */
const MOST_UNKNOWN = 10

/**
 * Records an ending, however often it takes: it was paid for. Redis may be full, or be loading, or read-only after a
 * failover; only the end of this process gives an answer up.
 */
async function keep(
  request: CompletionRequest,
  ending: Ending,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Recorded> {
  for (let unknown = 0; ; ) {
    try {
      const recorded = await deps.record(request, ending)
      // A Redis that lost everything is told of the batch again by whoever attends it.
      if (recorded !== 'gone' || ++unknown > MOST_UNKNOWN || signal.aborted) return recorded
    } catch (error) {
      deps.onRecordFailed(error)
      if (signal.aborted) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, RECORD_AGAIN_MS))
  }
}
