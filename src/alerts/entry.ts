import type { Alert } from './alert.js'
import { type BrakeSeen, brakeAdvice, brakeInWords } from './brake-advice.js'
import { type EndsByItself, type IncidentEntry, incidentAlert, type Waiting } from './incident-alert.js'

/** What the scripts put into the outbox. */
export type Entry = IncidentEntry | { readonly type: 'batch.braked'; readonly brake: PulledBrake }

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

/** What people are told of an entry. */
export function toAlert(id: string, entry: Entry, waits: Waiting, byItself: EndsByItself): Alert {
  switch (entry.type) {
    case 'batch.braked':
      return brakeAlert(id, entry.brake, waits.waiting)
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
