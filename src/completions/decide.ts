import { ABSURD_RETRY_AFTER } from '../admission/pace/constants.js'
import type { Failure, Outcome } from '../conduit/outcome.js'
import { asked } from './asked.js'
import { type FailedAttempt, failedAttempt } from './attempts.js'
import { backoffMs } from './backoff.js'
import { answerLine, errorLine } from './output-line.js'
import type { Ending } from './record.js'
import { type BatchOptions, type CompletionRequest, INBOX_BATCH } from './request.js'

/** How often the job ran before. */
export interface Tries {
  /** Attempts used before this one. */
  readonly made: number
  /** Refusals with 429 before this one. */
  readonly refusals: number
  /** Failures while Conduit was out for everybody. */
  readonly outages: number
  /** When the request was fed, Unix ms. */
  readonly fedAt: number
  /** The attempts before this one, oldest first; the last 20. */
  readonly history: readonly FailedAttempt[]
}

/**
 * What an outcome means for its request: over, or later. Only `retry` uses an attempt. `outage`: it failed, as every
 * other does now; `again`: it had no part in what was refused.
 */
export type Decision =
  | { readonly kind: 'end'; readonly ending: Ending }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly attempt: FailedAttempt }
  | { readonly kind: 'throttled'; readonly delayMs: number; readonly refusals: number }
  | { readonly kind: 'outage'; readonly delayMs: number; readonly outages: number }
  | { readonly kind: 'again'; readonly delayMs: number }

export interface DecideContext {
  readonly tries: Tries
  readonly options: BatchOptions
  readonly nowMs: number
  /** In [0, 1), for the jitter. */
  readonly random: number
  /** Conduit is out for the whole fleet (`Permits.outage`), as seen after this outcome was reported. */
  readonly outage: boolean
}

/** 429s and outages use no attempt, but a request is not thrown back for ever; a completion window is the bound where there is one. */
const LONGEST_WITHOUT_ATTEMPT_MS = 24 * 3600_000
/** Fewer refusals than this: it waited most of that time for something else, in a paused queue say. */
const LEAST_REFUSALS = 20

/** The rules of the outcomes (docs/errors.md), as a pure function. `held` is here only for a refusal that came late. */
export function decide(request: CompletionRequest, outcome: Outcome, context: DecideContext): Decision {
  const { tries, options, nowMs, random, outage } = context
  const attempts = tries.made + 1
  const { completionWindowMs } = options
  const isOld = nowMs - tries.fedAt > (completionWindowMs ?? LONGEST_WITHOUT_ATTEMPT_MS)
  const dead = (failure: Failure, code: string): Decision => ({
    kind: 'end',
    ending: deadEnding(request, failure, code, { ...tries, made: attempts, completionWindowMs }, nowMs),
  })
  switch (outcome.kind) {
    case 'completed': {
      const line = answerLine(request, request.customId, outcome)
      return {
        kind: 'end',
        ending: { kind: 'completed', line, usage: outcome.usage, asked: asked(request.body) },
      }
    }
    case 'dead':
      return dead(outcome.failure, outcome.failure.code)
    case 'retry':
      // An outage must not turn a batch into dead letters. A request that fails by itself makes no outage.
      if (outage && !isOld) {
        return {
          kind: 'outage',
          delayMs: backoffMs(1, outcome.retryAfterMs, options, random),
          outages: tries.outages + 1,
        }
      }
      if (attempts >= options.maxAttempts) return dead(outcome.failure, 'retries_exhausted')
      return {
        kind: 'retry',
        delayMs: backoffMs(attempts, outcome.retryAfterMs, options, random),
        attempt: failedAttempt(outcome.failure, nowMs),
      }
    case 'throttled': {
      const refusals = tries.refusals + 1
      if (isOld && refusals >= LEAST_REFUSALS) {
        return dead(outcome.failure, 'throttled_too_long')
      }
      const delayMs = backoffMs(refusals, believed(outcome.retryAfterMs), options, random)
      return { kind: 'throttled', delayMs, refusals }
    }
    case 'held':
      return { kind: 'again', delayMs: backoffMs(1, outcome.retryAfterMs, options, random) }
  }
}

/** What the pace does not believe of a 429 (limits are per minute) need not be waited for here either. */
function believed(retryAfterMs: number | null): number | null {
  return retryAfterMs !== null && retryAfterMs > ABSURD_RETRY_AFTER * 1000 ? null : retryAfterMs
}

/** A dead letter's code: Conduit refused it with 402 and answered others. */
export const UNAFFORDABLE = 'unaffordable_request'

/** The calls that were made for a request, and the window that bounds them; none: 24 hours do. */
type Calls = Pick<Tries, 'made' | 'history'> & Pick<BatchOptions, 'completionWindowMs'>

/** Messages for the ends that are ours; every other dead letter is Conduit's own answer. */
function ownMessage(code: string, failure: Failure, { made, completionWindowMs }: Calls): string {
  if (code === 'retries_exhausted') return `gave up after ${made} attempts; the last one: ${failure.message}`
  if (code === UNAFFORDABLE) {
    return `the credits that are left don't cover this request, though Conduit answers others: ${failure.message}`
  }
  if (code === 'throttled_too_long') {
    const bound =
      completionWindowMs === undefined ? 'more than 24 hours' : "longer than its batch's completion window"
    return `Conduit refused it with 429 for ${bound}`
  }
  return failure.message
}

/**
 * The end of a request as a dead letter: its line for the file, and the letter.
 * @param calls that were made for it; `made` has the last one included
 * @param at Unix ms
 */
export function deadEnding(
  request: CompletionRequest,
  failure: Failure,
  code: string,
  calls: Calls,
  at: number,
): Ending {
  const { batch, index, generation, customId, line, body, limits } = request
  const { made: attempts, history } = calls
  // A 2xx whose answer is of no use (too large, say) would otherwise read like one of use.
  const isOurs = code !== failure.code || failure.status === null || failure.status < 300
  const error = isOurs ? { code, message: ownMessage(code, failure, calls), line } : null
  const model = typeof body.model === 'string' ? body.model : null
  return {
    kind: 'dead',
    line: errorLine(request, customId, failure, error),
    letter: {
      batch,
      index,
      generation,
      customId,
      line,
      model,
      code,
      failure,
      attempts,
      history,
      sendable: true,
      // Every other request can be read again where its batch came from.
      body: batch === INBOX_BATCH ? body : null,
      ...(limits === undefined ? {} : { limits }),
      at,
    },
  }
}
