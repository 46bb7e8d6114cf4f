import { CallAborted } from '../conduit/client.js'
import type { Failure, Outcome } from '../conduit/outcome.js'
import { refusesWrites } from '../redis/unwritable.js'
import type { FailedAttempt } from './attempts.js'
import { call } from './call.js'
import { type Decision, deadEnding, decide, type Tries, UNAFFORDABLE } from './decide.js'
import type { HandleDeps } from './handle-deps.js'
import { keep } from './keep.js'
import type { BatchOptions, CompletionRequest } from './request.js'
import type { SuspectMark } from './suspects/mark.js'
import { sizeOf } from './suspects/size.js'

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
