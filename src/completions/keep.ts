import type { HandleDeps } from './handle-deps.js'
import type { Ending, Recorded } from './record.js'
import type { CompletionRequest } from './request.js'

const RECORD_AGAIN_MS = 1000
/** A batch that is unknown for this many seconds was purged. */
const MOST_UNKNOWN = 10

/**
 * Records an ending, however often it takes: it was paid for. Redis may be full, or be loading, or read-only after a
 * failover; only the end of this process gives an answer up.
 */
export async function keep(
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
