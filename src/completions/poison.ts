import type { Failure } from '../conduit/outcome.js'
import type { FailedAttempt } from './attempts.js'
import { deadEnding } from './decide.js'
import type { Ending } from './record.js'
import type { CompletionRequest } from './request.js'

/** A request that was in flight in so many crashes is not tried again. */
export const MOST_CRASHES = 5

/** From the third crash on it waits for a while, so that those that were in flight with it go without it. */
const SPREAD_MS = { 3: 10_000, 4: 30_000 } as const

/**
 * How long a request waits after a crash. One that kills its worker takes along whatever is in flight beside it, time
 * and again: spread out, the others get through.
 * @param random in [0, 1)
 */
export function waitAfterCrashMs(crashes: number, random: number): number {
  return crashes === 3 || crashes === 4 ? Math.round(SPREAD_MS[crashes] * random) : 0
}

/** The end of a request that was in flight in too many crashes. */
export function crashedEnding(
  request: CompletionRequest,
  crashes: number,
  { made, history }: { readonly made: number; readonly history: readonly FailedAttempt[] },
  nowMs: number,
): Ending {
  const failure: Failure = {
    status: null,
    code: 'worker_crashed',
    message: `it was in flight in ${crashes} crashes of workers, and may be what makes them crash; its calls may have been billed`,
    requestId: null,
    envelope: null,
  }
  return deadEnding(request, failure, failure.code, { made: made + crashes, history }, nowMs)
}
