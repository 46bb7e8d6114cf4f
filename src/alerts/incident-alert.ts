import type { HoldReason, Incident } from '../admission/hold.js'
import { actionSentence, commandFor, linkFor } from './advice.js'
import type { Alert } from './alert.js'

/** What an incident's script has decided to tell. */
export interface IncidentEntry {
  readonly type: 'incident.opened' | 'incident.reminder' | 'incident.resolved'
  readonly incident: Incident
}

/** What waits, as far as an alert tells. */
export interface Waiting {
  /** Requests that have not ended: of active batches and single ones, or of the batch that is told of. */
  readonly waiting: number
  /** About what they will cost; null: nobody can tell. */
  readonly costToFinishCents: number | null
}

/** Whether a hold ends by itself when its cause has gone. */
export type EndsByItself = (reason: HoldReason) => boolean

/** What people are told of an incident. */
export function incidentAlert(
  id: string,
  { type, incident }: IncidentEntry,
  waits: Waiting,
  byItself: EndsByItself,
): Alert {
  const { queue, openedAt, resolvedAt } = incident
  const reasons = holdsNow(incident)
  return {
    type,
    id,
    incident: incident.id,
    queue,
    reason: incident.reason,
    reasons,
    code: incident.code,
    message: incident.message,
    requestId: incident.requestId,
    since: new Date(openedAt).toISOString(),
    ...waits,
    ...advice(type, reasons, incident, byItself),
    resolvedAt: resolvedAt === null ? null : new Date(resolvedAt).toISOString(),
    durationMs: resolvedAt === null ? null : resolvedAt - openedAt,
    endedBy: incident.liftedBy,
  }
}

/** Why the queue is held, each reason once, what opened the incident first. */
function holdsNow({ holds, reason }: Incident): HoldReason[] {
  const now = new Set(holds.filter(({ liftedAt }) => liftedAt === null).map((hold) => hold.reason))
  return [...now].sort((a, b) => Number(b === reason) - Number(a === reason))
}

function advice(
  type: IncidentEntry['type'],
  reasons: readonly HoldReason[],
  { queue, resolvedBy }: Incident,
  byItself: EndsByItself,
): Pick<Alert & { type: IncidentEntry['type'] }, 'action' | 'link' | 'command'> {
  switch (type) {
    case 'incident.opened':
    case 'incident.reminder':
      return {
        action: reasons.map((reason) => actionSentence(reason, queue, byItself(reason))).join(' | '),
        link: reasons.map(linkFor).find((link) => link !== null) ?? null,
        command:
          reasons
            .map((reason) => commandFor(reason, queue, byItself(reason)))
            .find((line) => line !== null) ?? null,
      }
    case 'incident.resolved':
      return {
        action: resolvedBy === 'nothing_waits' ? 'Nothing: no request waits.' : 'Nothing: work goes on.',
        link: null,
        command: null,
      }
  }
}
