import type { OverBudget } from '../../batches/budget/over-budget.js'
import type { BatchSnapshot, Usage } from '../../batches/snapshot.js'
import type { OverState } from '../../batches/states.js'
import type { Brake } from '../../completions/brake.js'

/** How a run ended, as `--json` names it. */
export type RunStatus = OverState | 'paused' | 'interrupted'

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
  /** Of the failed, requests that only the end of their batch (cancelled, expired) has ended. */
  readonly unfinished: number
  /** What made the brake stop it; null when that did not. */
  readonly brake: Pick<Brake, 'code' | 'count' | 'of' | 'message'> | null
  /** The budget that it has used up, so that it stopped; null when that is not why. Requests, or cents. */
  readonly overBudget: Pick<OverBudget, 'budget' | 'limit' | 'used'> | null
  /** What its answers cost so far, by the prices of the settings; null when these don't tell. */
  readonly costCents: number | null
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
    unfinished: batch.unfinished,
    brake: brakeObject(batch.brake),
    overBudget: overBudgetObject(batch.overBudget),
    costCents: batch.costCents,
    retries: batch.retries,
    throttled: batch.throttled,
    pauses: batch.pauses,
    durationMs: Math.round(durationMs),
    output: batch.output,
    errors: batch.failed > 0 ? batch.errors : null,
    usage: { prompt_tokens, completion_tokens, total_tokens },
  }
}

/** The brake as `--json` has it. */
export function brakeObject(brake: Brake | null): SummaryObject['brake'] {
  if (brake === null) return null
  const { code, count, of, message } = brake
  return { code, count, of, message }
}

/** A budget that was used up as `--json` has it. */
export function overBudgetObject(spent: OverBudget | null): SummaryObject['overBudget'] {
  if (spent === null) return null
  const { budget, limit, used } = spent
  return { budget, limit, used }
}
