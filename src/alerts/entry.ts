import type { Alert } from './alert.js'
import { type LowBalance, lowBalanceAdvice, lowBalanceInWords, TOP_UP_LINK } from './balance-words.js'
import { type BrakeSeen, brakeAdvice, brakeInWords } from './brake-advice.js'
import { type BudgetSeen, budgetAdvice, budgetInWords } from './budget-advice.js'
import { type EndsByItself, type IncidentEntry, incidentAlert, type Waiting } from './incident-alert.js'

/** What the scripts put into the outbox. */
export type Entry =
  | IncidentEntry
  | { readonly type: 'batch.braked'; readonly brake: PulledBrake }
  | { readonly type: 'balance.low'; readonly low: SeenLow }
  | { readonly type: 'batch.over_budget'; readonly overBudget: UsedUpBudget }

/** As `record.lua` writes it. */
interface PulledBrake extends BrakeSeen {
  readonly batch: string
  readonly queue: string
  /** Unix ms. */
  readonly at: number
}

/** As `credits/note-balance.ts` writes it. */
interface SeenLow extends LowBalance {
  readonly queue: string
  /** Unix ms. */
  readonly at: number
  /** Queued requests. */
  readonly waiting: number
}

/** As `stop-over-budget.lua` writes it. */
interface UsedUpBudget extends BudgetSeen {
  readonly batch: string
  readonly queue: string
  /** Unix ms. */
  readonly at: number
}

/** The batch that an entry is about; undefined: its queue. */
export function batchOf(entry: Entry): string | undefined {
  if (entry.type === 'batch.braked') return entry.brake.batch
  return entry.type === 'batch.over_budget' ? entry.overBudget.batch : undefined
}

/** Unix ms. */
export function happenedAt(entry: Entry): number {
  switch (entry.type) {
    case 'batch.braked':
      return entry.brake.at
    case 'batch.over_budget':
      return entry.overBudget.at
    case 'balance.low':
      return entry.low.at
    case 'incident.opened':
    case 'incident.reminder':
    case 'incident.resolved':
      return entry.incident.openedAt
  }
}

/** What people are told of an entry. */
export function toAlert(id: string, entry: Entry, waits: Waiting, byItself: EndsByItself): Alert {
  switch (entry.type) {
    case 'batch.braked':
      return brakeAlert(id, entry.brake, waits.waiting)
    case 'balance.low':
      return balanceAlert(id, entry.low)
    case 'batch.over_budget':
      return overBudgetAlert(id, entry.overBudget, waits.waiting)
    case 'incident.opened':
    case 'incident.reminder':
    case 'incident.resolved':
      return incidentAlert(id, entry, waits, byItself)
  }
}

function brakeAlert(id: string, brake: PulledBrake, waiting: number): Alert {
  const { batch, queue, code, at } = brake
  return {
    type: 'batch.braked',
    id,
    batch,
    queue,
    reason: 'brake',
    code,
    message: `Batch ${batch} was stopped: ${brakeInWords(brake)}`,
    since: new Date(at).toISOString(),
    waiting,
    action: `Nothing is lost. ${brakeAdvice(batch).join(' | ')}`,
  }
}

function balanceAlert(id: string, { at, ...low }: SeenLow): Alert {
  return {
    type: 'balance.low',
    id,
    ...low,
    reason: 'credits',
    message: `The credits will not last: ${lowBalanceInWords(low)}`,
    since: new Date(at).toISOString(),
    link: TOP_UP_LINK,
    action: lowBalanceAdvice(),
  }
}

function overBudgetAlert(id: string, spent: UsedUpBudget, waiting: number): Alert {
  const { batch, queue, budget, limit, used, at } = spent
  return {
    type: 'batch.over_budget',
    id,
    batch,
    queue,
    reason: 'budget',
    budget,
    limit,
    used,
    message: `Batch ${batch} was stopped: ${budgetInWords(spent)}`,
    since: new Date(at).toISOString(),
    waiting,
    action: `Nothing is lost. ${budgetAdvice(batch, spent).join(' | ')}`,
  }
}
