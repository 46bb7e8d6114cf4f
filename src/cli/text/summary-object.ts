import type { BatchSnapshot, Usage } from '../../batches/snapshot.js'

/** How a run ended, as `--json` names it. */
export type RunStatus = 'completed' | 'paused' | 'interrupted' | 'stopped' | 'cancelled' | 'expired'

/** How a run ended and how long it took. */
export interface RunEnd {
  readonly status: RunStatus
  readonly durationMs: number
}

/** The one object that `run --json` prints as the last line of stdout. */
export interface SummaryObject {
  readonly batch: string
  readonly status: RunStatus
  readonly total: number
  readonly completed: number
  readonly failed: number
  readonly retries: number
  readonly throttled: number
  readonly pauses: number
  readonly durationMs: number
  readonly output: string
  /** null when nothing failed, because then there is no such file. */
  readonly errors: string | null
  readonly usage: Usage
}

/** What `run --json` says about a batch. */
export function summaryObject(batch: BatchSnapshot, { status, durationMs }: RunEnd): SummaryObject {
  const { prompt_tokens, completion_tokens, total_tokens } = batch.usage
  return {
    batch: batch.batch,
    status,
    total: batch.total,
    completed: batch.completed,
    failed: batch.failed,
    retries: batch.retries,
    throttled: batch.throttled,
    pauses: batch.pauses,
    durationMs: Math.round(durationMs),
    output: batch.output,
    errors: batch.failed > 0 ? batch.errors : null,
    usage: { prompt_tokens, completion_tokens, total_tokens },
  }
}
