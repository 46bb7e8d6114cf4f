import { inDollars } from '../money.js'
import type { Alert } from './alert.js'
import { lowBalanceInWords } from './balance-words.js'
import { moment, requests } from './figures.js'
import { resolvedWords, troubleWords } from './incident-alert-words.js'

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
      return troubleWords(alert, `Queue ${queue} waits`)
    case 'incident.reminder':
      return troubleWords(alert, `Queue ${queue} still waits`)
    case 'incident.resolved':
      return resolvedWords(alert)
    case 'batch.braked':
      return stoppedWords(alert, 'nearly all of its requests fail alike', `${alert.message} (${alert.code})`)
    case 'balance.low':
      return {
        title: `The credits of queue ${queue} will not last`,
        facts: [
          { label: 'What happened', text: lowBalanceInWords(alert) },
          { label: 'Balance', text: `${inDollars(alert.balanceCents)}, seen ${moment(alert.since)}` },
          {
            label: 'Waiting',
            text: `${requests(alert.waiting)}, about ${inDollars(alert.costToFinishCents)} to finish`,
          },
        ],
        action,
        link: alert.link,
        command: null,
        tone: 'warning',
      }
    case 'batch.over_budget': {
      const why = isUnknown(alert) ? 'nobody can tell what it costs' : 'its budget is used up'
      return stoppedWords(alert, why, alert.message)
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

/** It may cost so much at most, and what it costs is not known. */
function isUnknown({ budget, used }: { readonly budget: string; readonly used: number | null }): boolean {
  return budget === 'cost' && used === null
}

/** Of a batch that asks a person. */
function stoppedWords(
  { batch, since, waiting, queue, action }: Extract<Alert, { readonly batch: string }>,
  why: string,
  happened: string,
): AlertWords {
  return {
    title: `Batch ${batch} was stopped: ${why}`,
    facts: [
      { label: 'What happened', text: happened },
      { label: 'Since', text: moment(since) },
      { label: 'Not sent yet', text: requests(waiting) },
      { label: 'Queue', text: queue },
    ],
    action,
    link: null,
    command: `conduit-batch resume ${batch}`,
    tone: 'trouble',
  }
}

/** Messages come from outside: no line breaks, no control or direction characters, no end of their length. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_TEXT)
    .replace(/\p{Cs}/gu, '\ufffd')
}

const LONGEST_TEXT = 2000

/** An alert whose kind has no words yet does not compile. */
function unknown(alert: never): never {
  throw new TypeError(`no words for ${JSON.stringify(alert)}`)
}
