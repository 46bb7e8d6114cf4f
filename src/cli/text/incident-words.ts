import type { Incident } from '../../admission/hold.js'
import { liftedInWords, reasonInWords } from '../../alerts/advice.js'
import { formatCount, formatDuration, formatMoment } from './format.js'
import { oneLine } from './harmless.js'
import { truncate } from './width.js'

const LONGEST_EVIDENCE = 100

/** One pause as a person would tell it afterwards: when, for how long, why, and what ended it. */
export function incidentInWords(incident: Incident, nowMs: number): string {
  const when = `${formatMoment(incident.openedAt, nowMs)}, ${howLong(incident)}`
  const why = `${reasonInWords(incident.reason)}${evidence(incident)}`
  return `${when}: ${why}.${ending(incident)}${refusedTries(incident)}`
}

function howLong({ openedAt, liftedAt, resolvedAt }: Incident): string {
  const overAt = resolvedAt ?? liftedAt
  return overAt === null ? 'not over yet' : `for ${formatDuration(overAt - openedAt)}`
}

function evidence({ code, requestId }: Incident): string {
  const request = requestId === null ? '' : `request ${oneLine(requestId)}`
  const parts = [oneLine(code), request].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` (${parts.map((part) => truncate(part, LONGEST_EVIDENCE)).join(', ')})`
}

function ending({ reason, liftedBy, resolvedAt }: Incident): string {
  if (liftedBy === null) return ''
  const cause = liftedInWords(liftedBy, reason)
  return resolvedAt === null
    ? ` It may go on: ${cause}, but no call has succeeded yet.`
    : ` It ended when ${cause}.`
}

function refusedTries({ failedProbes }: Incident): string {
  if (failedProbes === 0) return ''
  return failedProbes === 1
    ? ' One try in between was refused.'
    : ` ${formatCount(failedProbes)} tries in between were refused.`
}
