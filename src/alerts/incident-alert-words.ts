import { HOLD_REASONS, type HoldReason, type LiftedBy } from '../admission/hold.js'
import { inDollars } from '../money.js'
import { liftedInWords, reasonInWords } from './advice.js'
import type { Alert } from './alert.js'
import { duration, moment, requests } from './figures.js'
import type { AlertWords } from './words.js'

type Incident = Extract<Alert, { readonly incident: string }>

/**
 * Of an incident that is open.
 * @param what the beginning of its title
 */
export function troubleWords(alert: Incident, what: string): AlertWords {
  const { since, link, command, action } = alert
  // What opened it may be lifted, and another hold be there.
  const [first = alert.reason, ...more] = alert.reasons
  return {
    title: `${what}: ${lowerFirst(reason(first))}`,
    facts: [
      { label: 'What happened', text: evidence(alert) },
      ...(more.length === 0 ? [] : [{ label: 'And', text: more.map(reason).join('; ') }]),
      { label: 'Since', text: moment(since) },
      { label: 'Waiting', text: waitingWords(alert) },
    ],
    action,
    link,
    command,
    tone: 'trouble',
  }
}

/** What the hold was placed on. */
function evidence({ reason: why, message, code, requestId }: Incident): string {
  // Of all reasons this alone is not Conduit's.
  if (why === 'storage') return `${message} (${code})`
  return `Conduit said: ${message} (${code}${requestId === null ? '' : `, request ${requestId}`})`
}

/** Of its end. */
export function resolvedWords(alert: Incident): AlertWords {
  const { queue, durationMs, since, action, link } = alert
  const took = durationMs === null ? '' : ` after ${duration(durationMs)}`
  return {
    title: `Queue ${queue} is open again${took}`,
    facts: [
      { label: 'What happened', text: `${reason(alert.reason)}; ${endWords(alert)}` },
      { label: 'Since', text: moment(since) },
      ...(alert.resolvedAt === null ? [] : [{ label: 'Until', text: moment(alert.resolvedAt) }]),
      { label: 'Left to do', text: waitingWords(alert) },
    ],
    action,
    link,
    command: null,
    tone: 'good',
  }
}

function endWords({ endedBy, reason: why }: Incident): string {
  const words = endedBy === null || !isReason(why) ? undefined : liftedInWords(endedBy as LiftedBy, why)
  // What a newer version ended it by has no words here.
  return words ?? 'it is over'
}

function waitingWords({ waiting, costToFinishCents: cents }: Incident): string {
  return `${requests(waiting)}${cents === null ? '' : `, about ${inDollars(cents)} to finish`}`
}

function reason(name: string): string {
  return isReason(name) ? reasonInWords(name) : name
}

function isReason(name: string): name is HoldReason {
  return (HOLD_REASONS as readonly string[]).includes(name)
}

function lowerFirst(words: string): string {
  // "The account", but not "API key" and names.
  return words.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()).replace(/^conduit /, 'Conduit ')
}
