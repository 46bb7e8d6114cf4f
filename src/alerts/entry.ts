import type { Incident } from '../admission/hold.js'
import { actionSentence } from './advice.js'
import type { Alert } from './alert.js'
import { type BrakeSeen, brakeAdvice, brakeInWords } from './brake-advice.js'

/** What the scripts put into the outbox. */
export type Entry =
  | { readonly type: 'incident.opened' | 'incident.resolved'; readonly incident: Incident }
  | { readonly type: 'batch.braked'; readonly brake: PulledBrake }

/** As `record.lua` writes it. */
interface PulledBrake extends BrakeSeen {
  readonly batch: string
  readonly queue: string
  /** Unix ms. */
  readonly at: number
}

/** Unix ms. */
export function happenedAt(entry: Entry): number {
  return entry.type === 'batch.braked' ? entry.brake.at : entry.incident.openedAt
}

/** What people are told of an entry. @param waiting requests that have not ended: of active batches, or of the braked one */
export function toAlert(id: string, entry: Entry, waiting: number): Alert {
  if (entry.type === 'batch.braked') return brakeAlert(id, entry.brake, waiting)
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
