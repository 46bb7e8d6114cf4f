import type { Incident, IncidentHold } from '../../admission/hold.js'
import { liftedInWords, reasonInWords } from '../../alerts/advice.js'
import { inDollars } from '../../money.js'
import { formatCount, formatCounted, formatDuration, formatMoment } from './format.js'
import { oneLine } from './harmless.js'
import { truncate } from './width.js'

const LONGEST_EVIDENCE = 100

/** One pause as a person would tell it afterwards: when, for how long, why, and what ended it. */
export function incidentInWords(incident: Incident, nowMs: number): string {
  const when = `${formatMoment(incident.openedAt, nowMs)}, ${howLong(incident)}`
  const why = `${reasonInWords(incident.reason)}${evidence(incident)}`
  return `${when}: ${why}.${ending(incident)}${refusedTries(incident)}`
}

/** When it began, and how long it took or takes: `14:02:11, for 38 s`. */
export function sinceWords({ openedAt, resolvedAt }: Incident, nowMs: number): string {
  const sofar = resolvedAt === null ? ' so far' : ''
  return `${formatMoment(openedAt, nowMs)}, for ${formatDuration((resolvedAt ?? nowMs) - openedAt)}${sofar}`
}

function howLong({ openedAt, liftedAt, resolvedAt }: Incident): string {
  const overAt = resolvedAt ?? liftedAt
  return overAt === null ? 'not over yet' : `for ${formatDuration(overAt - openedAt)}`
}

/** One hold of an incident: when, why, and who or what lifted it, when. */
export function holdInWords(hold: IncidentHold, nowMs: number): string {
  const why = `${reasonInWords(hold.reason)}${hold.reason === 'person' ? personSaid(hold) : evidence(hold)}`
  const end =
    hold.liftedAt === null
      ? 'Not lifted yet'
      : `Lifted ${formatMoment(hold.liftedAt, nowMs)}: ${lifted(hold)}`
  return `${formatMoment(hold.since, nowMs)}: ${why}. ${end}.`
}

/** How much waited when people were told, and about what that was going to cost. */
export function waitedWords({ waiting, costToFinishCents }: Incident): string {
  if (waiting === null) return 'not told yet'
  const cost = costToFinishCents === null ? '' : `, about ${inDollars(costToFinishCents)} to finish`
  return `${formatCounted(waiting, 'request', 'requests')}${cost}`
}

/** `2, the last one 15:02:11`; empty when there was none. */
export function reminderWords({ reminders, remindedAt }: Incident, nowMs: number): string {
  if (remindedAt === null) return ''
  return `${formatCount(reminders)}, the last one ${formatMoment(remindedAt, nowMs)}`
}

/** What ended it and when, or what it waits for; empty while it is held. */
export function endInWords(incident: Incident, nowMs: number): string {
  const { liftedAt, resolvedAt } = incident
  if (liftedAt === null) return ''
  const when = resolvedAt === null ? '' : `${formatMoment(resolvedAt, nowMs)}.`
  return `${when}${ending(incident)}${refusedTries(incident)}`.trim()
}

function evidence({ code, requestId }: Pick<IncidentHold, 'code' | 'requestId'>): string {
  const request = requestId === null ? '' : `request ${oneLine(requestId)}`
  const parts = [oneLine(code), request].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.map((part) => truncate(part, LONGEST_EVIDENCE)).join(', ')})`
}

function personSaid({ by, message }: IncidentHold): string {
  const said = [oneLine(by), oneLine(message)].filter((part) => part !== '')
  return said.length === 0 ? '' : ` (${truncate(said.join(': '), LONGEST_EVIDENCE)})`
}

function ending({ reason, liftedBy, resolvedAt, resolvedBy, holds }: Incident): string {
  if (liftedBy === null) return ''
  const last = holds.findLast((hold) => hold.liftedBy === liftedBy)
  const cause = last === undefined ? liftedInWords(liftedBy, reason) : lifted(last)
  if (resolvedAt === null) return ` It may go on: ${cause}, but no call has succeeded yet.`
  const idle = resolvedBy === 'nothing_waits' ? ' Nothing waited any more.' : ''
  return ` It ended when ${cause}.${idle}`
}

/** What lifted a hold, without a full stop; a person by name where one is known. */
function lifted({ reason, liftedBy, liftedWho }: IncidentHold): string {
  if (liftedBy === null) return 'nobody knows why'
  const who = truncate(oneLine(liftedWho ?? ''), LONGEST_EVIDENCE)
  return liftedBy === 'person' && who !== '' ? `${who} resumed it` : liftedInWords(liftedBy, reason)
}

function refusedTries({ failedProbes }: Incident): string {
  if (failedProbes === 0) return ''
  return failedProbes === 1
    ? ' One try in between was refused.'
    : ` ${formatCount(failedProbes)} tries in between were refused.`
}
