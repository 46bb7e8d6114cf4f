import { describe, expect, it } from 'vitest'
import type { Alert } from '../../src/alerts/alert.js'
import { duration } from '../../src/alerts/figures.js'
import { plainText } from '../../src/alerts/plain-text.js'
import { alertWords } from '../../src/alerts/words.js'
import { BRAKED, HOSTILE, incidentAlert, LOW, OVER_BUDGET, resolvedAlert, TEST } from '../support/alerts.js'

const lines = (alert: Alert) => [alertWords(alert).title, ...plainText(alertWords(alert)).split('\n')]

describe('an alert in words', () => {
  it('says what happened, since when, how much waits, what to do, where, and the line to type', () => {
    expect(lines(incidentAlert())).toEqual([
      'Queue default waits: the Conduit account has run out of credits',
      'What happened: Conduit said: Insufficient funds (BILLING_INSUFFICIENT_FUNDS, request req_abc123)',
      'Since:         2026-11-23 01:40:02 UTC',
      'Waiting:       41,209 requests, about $12.40 to finish',
      '',
      'Top up at https://conduit.im (billing dashboard).',
      '',
      '    conduit-batch resume',
      '',
      'https://conduit.im',
      '',
    ])
  })

  it('says of more than one reason all of them, and nothing that is not known', () => {
    const { facts } = alertWords(
      incidentAlert({ reasons: ['credits', 'credentials'], costToFinishCents: null, requestId: null }),
    )
    expect(facts.map(({ text }) => text)).toEqual([
      'Conduit said: Insufficient funds (BILLING_INSUFFICIENT_FUNDS)',
      'Conduit refused the API key',
      '2026-11-23 01:40:02 UTC',
      '41,209 requests',
    ])
  })

  it('reminds, and says when it is over how long it took and what ended it', () => {
    expect(alertWords(incidentAlert({ type: 'incident.reminder' })).title).toMatch(
      /^Queue default still waits: /,
    )
    expect(lines(resolvedAlert()).slice(0, 5)).toEqual([
      'Queue default is open again after 1 h 4 min',
      'What happened: The Conduit account has run out of credits; new credits were seen in the account',
      'Since:         2026-11-23 01:40:02 UTC',
      'Until:         2026-11-23 02:44:03 UTC',
      'Left to do:    41,000 requests, about $12.40 to finish',
    ])
    const other = incidentAlert({ type: 'incident.reminder', reasons: ['credentials'] })
    expect(alertWords(other).title).toBe('Queue default still waits: Conduit refused the API key')
    const unheardOf = resolvedAlert({ endedBy: 'a_newer_version', reason: 'new_reason' })
    expect(alertWords(unheardOf).facts[0]?.text).toBe('new_reason; it is over')
  })

  it('says that a batch was stopped, and how it goes on', () => {
    expect(alertWords(BRAKED)).toMatchObject({ command: 'conduit-batch resume b1', tone: 'trouble' })
    expect(lines(BRAKED)).toContain('Not sent yet:  1 request')
  })

  it('says that a budget is used up only where that is known', () => {
    expect(alertWords(OVER_BUDGET).title).toBe('Batch b1 was stopped: its budget is used up')
    const unknown = alertWords({ ...OVER_BUDGET, used: null } as Alert)
    expect(unknown.title).toBe('Batch b1 was stopped: nobody can tell what it costs')
  })

  it('warns of credits that will not last, with how long they do and how much lacks', () => {
    expect(alertWords(LOW)).toMatchObject({ tone: 'warning', link: 'https://conduit.im', command: null })
    expect(lines(LOW)).toContain(
      'What happened: credits for 38 minutes at this rate; what is queued needs about $12.40 more',
    )
  })

  it('says that a test is one', () => {
    expect(alertWords(TEST)).toMatchObject({
      title: 'A test: alerts of queue default arrive here',
      tone: 'test',
    })
  })

  it('is one line each, without control characters, whatever the message holds', () => {
    const words = alertWords(incidentAlert({ message: HOSTILE, code: HOSTILE, action: HOSTILE }))
    for (const text of [words.title, words.action, ...words.facts.map((fact) => fact.text)]) {
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      expect(text.length).toBeLessThanOrEqual(2000)
    }
  })
})

it.each([
  [38_900, '38 s'],
  [3_599_000, '59 min'],
  [3_600_000, '1 h'],
  [183_900_000, '2 d 3 h'],
])('%i ms are %s', (ms, words) => expect(duration(ms)).toBe(words))
