import type { Incident } from '../admission/hold.js'
import { actionSentence } from './advice.js'
import type { Alert } from './alert.js'
import { type LowBalance, lowBalanceAdvice, lowBalanceInWords, TOP_UP_LINK } from './balance-words.js'
import { type BrakeSeen, brakeAdvice, brakeInWords } from './brake-advice.js'

/** What the scripts put into the outbox. */
export type Entry =
  | { readonly type: 'incident.opened' | 'incident.resolved'; readonly incident: Incident }
  | { readonly type: 'batch.braked'; readonly brake: PulledBrake }
  | { readonly type: 'balance.low'; readonly low: SeenLow }

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

/** Unix ms. */
export function happenedAt(entry: Entry): number {
  switch (entry.type) {
    case 'batch.braked':
      return entry.brake.at
    case 'balance.low':
      return entry.low.at
    case 'incident.opened':
    case 'incident.resolved':
      return entry.incident.openedAt
  }
}

/** What people are told of an entry. @param waiting requests that have not ended: of active batches, or of the braked one */
export function toAlert(id: string, entry: Entry, waiting: number): Alert {
  if (entry.type === 'batch.braked') return brakeAlert(id, entry.brake, waiting)
  if (entry.type === 'balance.low') return balanceAlert(id, entry.low)
  const { type, incident } = entry
  const { queue, reason, openedAt, resolvedAt } = incident
  return {
    type,
    id,
    incident: incident.id,
    queue,
    reason,
    reasons: [reason],
    code: incident.code,
    message: incident.message,
    requestId: incident.requestId,
    since: new Date(openedAt).toISOString(),
    waiting,
    costToFinishCents: null,
    link: null,
    command: null,
    action: type === 'incident.opened' ? actionSentence(reason, queue) : 'Nothing: work goes on.',
    resolvedAt: resolvedAt === null ? null : new Date(resolvedAt).toISOString(),
    durationMs: resolvedAt === null ? null : resolvedAt - openedAt,
    endedBy: incident.liftedBy,
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
