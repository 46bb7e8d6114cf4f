import type { Gate } from '../admission/gate.js'
import type { CallResult, Permits } from '../admission/permits.js'
import { classify } from '../conduit/classify.js'
import { CallAborted, type ConduitClient } from '../conduit/client.js'
import type { Failure, Outcome } from '../conduit/outcome.js'
import type { ApiKey } from '../conduit/api-key.js'
import { backoffMs } from './backoff.js'
import { answerLine, errorLine } from './output-line.js'
import type { Ending, Recorded, Verdict } from './record.js'
import type { BatchOptions, CompletionRequest, RequestPlace } from './request.js'

/** What becomes of the job. Only `retry` uses an attempt; `leave` means it is over. */
export type Settlement =
  | { readonly kind: 'leave' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly why: string }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'give_back' }

/** How often the job ran before. */
export interface Tries {
  /** Attempts used before this one. */
  readonly made: number
  /** Starts, this one included. */
  readonly started: number
  /** When the request was fed, Unix ms. */
  readonly fedAt: number
}

/** What the handling of a request needs of the world. */
export interface HandleDeps {
  readonly verdict: (place: RequestPlace) => Promise<Verdict>
  readonly record: (place: RequestPlace, ending: Ending) => Promise<Recorded>
  readonly options: (batch: string) => Promise<BatchOptions>
  /** Adds one to a counter of the batch. */
  readonly count: (batch: string, counter: 'retries' | 'throttled') => Promise<void>
  readonly permits: Permits
  readonly gate: Gate
  readonly conduit: ConduitClient
  readonly apiKey: () => ApiKey
  /** Makes BullMQ's pause follow the gate; awaited before a job goes back to its place. */
  readonly mirrorGate: () => Promise<void>
  readonly workerName: string
  readonly now: () => number
  readonly random: () => number
  readonly onOutcome: (request: CompletionRequest, outcome: Outcome, recorded: Recorded | null) => void
}

/** 429s use no attempt, but a request is not thrown back for ever. */
const LONGEST_THROTTLED_MS = 24 * 3600_000

/** One request, once around: verdict → permit → call → classify → record, and what becomes of its job. */
export async function handleRequest(
  request: CompletionRequest,
  tries: Tries,
  signal: AbortSignal,
  deps: HandleDeps,
): Promise<Settlement> {
  const options = await deps.options(request.batch)
  const admission = await deps.permits.acquire()
  if (admission.kind === 'held') return giveBack(deps)
  if (admission.kind === 'closing') return { kind: 'give_back' }
  const { permit } = admission
  // After the permit, not before: it may have waited long for it.
  const verdict = await deps.verdict(request)
  if (verdict !== 'go') {
    permit.report({ kind: 'otherwise' })
    return { kind: 'leave' }
  }
  const key = deps.apiKey()
  try {
    const call = { apiKey: key.secret, timeoutMs: options.timeoutMs, signal }
    const outcome = classify(await deps.conduit.complete(request.body, call), deps.now())
    const held = outcome.kind === 'held' ? await holdGate(outcome, permit.epoch, key, deps) : null
    permit.report(callResult(outcome))
    if (held === 'held') return giveBack(deps)
    return await conclude(request, outcome, tries, options, deps)
  } catch (error) {
    permit.report({ kind: 'otherwise' })
    if (error instanceof CallAborted) return { kind: 'give_back' }
    throw error
  }
}

/** Back to its place, no attempt used; the queue is paused first, or the job would be fetched again at once. */
async function giveBack(deps: HandleDeps): Promise<Settlement> {
  await deps.mirrorGate()
  return { kind: 'give_back' }
}

/** `stale`: the refusal is of an earlier epoch, the gate stays open and the request simply goes again. */
async function holdGate(
  outcome: Extract<Outcome, { kind: 'held' }>,
  epoch: number,
  key: ApiKey,
  deps: HandleDeps,
): Promise<'held' | 'stale'> {
  const { code, message, requestId } = outcome.failure
  const placed = await deps.gate.hold({
    reason: outcome.reason,
    by: deps.workerName,
    code,
    message,
    requestId,
    keyFingerprint: key.fingerprint,
    epoch,
    retryAfterMs: outcome.retryAfterMs ?? 0,
  })
  if (placed === 'stale') return 'stale'
  deps.permits.hold()
  return 'held'
}

function callResult(outcome: Outcome): CallResult {
  switch (outcome.kind) {
    case 'completed':
      return { kind: 'answered' }
    case 'throttled':
      return { kind: 'refused', retryAfterMs: outcome.retryAfterMs }
    case 'retry':
    case 'held':
    case 'dead':
      return { kind: 'otherwise' }
  }
}

/** Records what ended, and says what becomes of what did not. */
async function conclude(
  request: CompletionRequest,
  outcome: Outcome,
  tries: Tries,
  options: BatchOptions,
  deps: HandleDeps,
): Promise<Settlement> {
  const end = async (ending: Ending): Promise<Settlement> => {
    deps.onOutcome(request, outcome, await deps.record(request, ending))
    return { kind: 'leave' }
  }
  const random = deps.random()
  switch (outcome.kind) {
    case 'completed':
      return end({ kind: 'completed', line: answerLine(request, request.customId, outcome), usage: outcome.usage })
    case 'dead':
      return end(deadEnding(request, outcome.failure, outcome.failure.code, tries, deps.now()))
    case 'retry': {
      const attempt = tries.made + 1
      if (attempt >= options.maxAttempts) {
        return end(deadEnding(request, outcome.failure, 'retries_exhausted', tries, deps.now()))
      }
      deps.onOutcome(request, outcome, null)
      await deps.count(request.batch, 'retries')
      const delayMs = backoffMs(attempt, outcome.retryAfterMs, options, random)
      return { kind: 'retry', delayMs, why: outcome.failure.code }
    }
    case 'throttled': {
      if (deps.now() - tries.fedAt > LONGEST_THROTTLED_MS) {
        return end(deadEnding(request, outcome.failure, 'throttled_too_long', tries, deps.now()))
      }
      deps.onOutcome(request, outcome, null)
      await deps.count(request.batch, 'throttled')
      const refusals = Math.max(1, tries.started - tries.made)
      return { kind: 'delay', delayMs: backoffMs(refusals, outcome.retryAfterMs, options, random) }
    }
    case 'held':
      deps.onOutcome(request, outcome, null)
      return { kind: 'delay', delayMs: backoffMs(1, outcome.retryAfterMs, options, random) }
  }
}

/** Messages for the ends that are ours and not Conduit's; every other dead letter is Conduit's own answer. */
function ownMessage(code: string, failure: Failure, calls: number): string {
  if (code === 'retries_exhausted') return `gave up after ${calls} attempts; the last one: ${failure.message}`
  if (code === 'throttled_too_long') return 'Conduit refused it with 429 for more than 24 hours'
  return failure.message
}

function deadEnding(
  request: CompletionRequest,
  failure: Failure,
  code: string,
  tries: Tries,
  at: number,
): Ending {
  const attempts = tries.made + 1
  const own = code !== failure.code || failure.status === null
  const error = own ? { code, message: ownMessage(code, failure, attempts), line: request.line } : null
  const model = typeof request.body.model === 'string' ? request.body.model : null
  const { batch, index, generation, customId, line } = request
  return {
    kind: 'dead',
    line: errorLine(request, customId, failure, error),
    letter: { batch, index, generation, customId, line, model, code, failure, attempts, at },
  }
}
