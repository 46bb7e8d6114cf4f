import { HOLD_REASONS, type HoldReason, type LiftedBy } from '../admission/hold.js'
import { liftedInWords, reasonInWords } from './advice.js'
import type { Alert } from './alert.js'
import { dollars, duration, moment, requests } from './figures.js'

/** An alert in plain words, for people; every text is one line without control characters. */
export interface AlertWords {
  readonly title: string
  /** What there is to know, each with its label. */
  readonly facts: readonly Fact[]
  /** What a person can do. */
  readonly action: string
  /** A page where it can be mended. */
  readonly link: string | null
  /** The line to type. */
  readonly command: string | null
  readonly tone: 'trouble' | 'warning' | 'good' | 'test'
}

interface Fact {
  readonly label: string
  readonly text: string
}

type Incident = Extract<Alert, { readonly incident: string }>

/** What people are told, whichever channel tells them. */
export function alertWords(alert: Alert): AlertWords {
  const words = inWords(alert)
  const facts = words.facts.map(({ label, text }) => ({ label, text: oneLine(text) }))
  return { ...words, title: oneLine(words.title), facts, action: oneLine(words.action) }
}

function inWords(alert: Alert): AlertWords {
  const { queue, action } = alert
  switch (alert.type) {
    case 'incident.opened':
      return troubled(alert, `Queue ${queue} waits: ${lowerFirst(reason(alert.reason))}`)
    case 'incident.reminder':
      return troubled(alert, `Queue ${queue} still waits: ${lowerFirst(reason(alert.reason))}`)
    case 'incident.resolved':
      return resolved(alert)
    case 'batch.braked':
      return {
        title: `Batch ${alert.batch} was stopped: nearly all of its requests fail alike`,
        facts: [
          { label: 'What happened', text: `${alert.message} (${alert.code})` },
          { label: 'Since', text: moment(alert.since) },
          { label: 'Not sent yet', text: requests(alert.waiting) },
          { label: 'Queue', text: queue },
        ],
        action,
        link: null,
        command: `conduit-batch resume ${alert.batch}`,
        tone: 'trouble',
      }
    case 'alert.test':
      return {
        title: `A test: alerts of queue ${queue} arrive here`,
        facts: [
          { label: 'What happened', text: alert.message },
          { label: 'Since', text: moment(alert.since) },
        ],
        action,
        link: null,
        command: null,
        tone: 'test',
      }
    default:
      return unknown(alert)
  }
}

function troubled(alert: Incident, title: string): AlertWords {
  const { reasons, since, link, command, action } = alert
  const more = reasons.filter((each) => each !== alert.reason).map(reason)
  return {
    title,
    facts: [
      { label: 'What happened', text: evidence(alert) },
      ...(more.length === 0 ? [] : [{ label: 'And', text: more.join('; ') }]),
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

function resolved(alert: Incident): AlertWords {
  const { queue, durationMs, since, action, link } = alert
  const took = durationMs === null ? '' : ` after ${duration(durationMs)}`
  return {
    title: `Queue ${queue} goes on${took}`,
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
  return `${requests(waiting)}${cents === null ? '' : `, about ${dollars(cents)} to finish`}`
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

/** Messages come from outside: no line breaks, no control or direction characters, no end of their length. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu, ' ')
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_TEXT)
}

const LONGEST_TEXT = 2000

/** An alert whose kind has no words yet does not compile. */
function unknown(alert: never): never {
  throw new TypeError(`no words for ${JSON.stringify(alert)}`)
}

/** The same as lines of plain text: for mail and for commands. */
export function plainText({ facts, action, link, command }: AlertWords): string {
  const width = Math.max(...facts.map(({ label }) => label.length)) + 2
  return [
    ...facts.map(({ label, text }) => `${`${label}:`.padEnd(width)}${text}`),
    '',
    action,
    ...(command === null ? [] : ['', `    ${command}`]),
    ...(link === null ? [] : ['', link]),
    '',
  ].join('\n')
}
