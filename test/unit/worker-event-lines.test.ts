import { describe, expect, it } from 'vitest'
import { createPaint } from '../../src/cli/text/paint.js'
import { eventLines } from '../../src/cli/work/event-lines.js'
import type { WorkerEvent } from '../../workers/events.js'

const NOW = new Date(2026, 2, 9, 14, 2, 11).getTime()

function said(event: WorkerEvent, columns = 200): string {
  return eventLines(event, NOW, { columns, paint: createPaint(false) }).join('\n')
}

describe('what a person at the terminal of workers reads', () => {
  it('at the start: which queues, which roles, where, and how to stop', () => {
    const event = { kind: 'started', queues: ['default', 'nightly'], roles: ['completion', 'batch'] } as const
    expect(said({ ...event, dataDirectory: '/srv/data' })).toBe(
      '  14:02:11      At work for queues default, nightly: makes the calls, feeds and collects batches. ' +
        'Batches of /srv/data.\n' +
        '                Ctrl-C stops it in order: calls in flight finish first.',
    )
  })

  it('names the command that is missing elsewhere', () => {
    const where = { batches: ['b1', 'b2'], output: '/there/a.jsonl' }
    expect(said({ kind: 'lacking', queue: 'nightly', role: 'batch', ...where })).toContain(
      'Nobody feeds and collects batch b1 (/there/a.jsonl) and 1 other of queue nightly. Start this in the ' +
        'directory where it was handed in: conduit-batch work --roles batch --queue nightly',
    )
    expect(said({ kind: 'lacking', queue: 'default', role: 'completion' })).toMatch(
      /Start it with: conduit-batch work --roles completion$/,
    )
  })

  it('at a pause: what a person has to know of each hold', () => {
    const nothing = { requestId: null, until: null, keyFingerprint: null }
    const hold = {
      reason: 'credits',
      since: NOW,
      by: 'w',
      code: 'EMPTY',
      message: 'no funds',
      ...nothing,
      byItself: true,
    } as const
    const lines = said({ kind: 'paused', queue: 'nightly', holds: [hold] })
    expect(lines).toMatch(/PAUSED +The Conduit account has run out of credits \(queue nightly\)/)
    expect(lines).toContain('no funds (EMPTY)')
    expect(lines).toContain('conduit-batch resume nightly')
  })

  it('while Redis does not answer: which one, that nothing is lost, and when it is back', () => {
    const place = 'redis://there:6379/0'
    expect(said({ kind: 'redis', change: { kind: 'away', place } })).toBe(
      '  14:02:11      Redis at redis://there:6379/0 does not answer. Nothing is lost: this goes on by itself when ' +
        'Redis is back.',
    )
    expect(said({ kind: 'redis', change: { kind: 'back', place, forMs: 12_300 } })).toContain('after 12 s')
  })

  it('in an outage: that there is nothing to do; and when it is over, how long it took', () => {
    const outage = { queue: 'nightly', since: NOW - 200_000 }
    expect(said({ kind: 'outage', ...outage }, 400)).toBe(
      '  14:02:11      Queue nightly: Conduit does not answer (5xx or no connection) since 13:58:51, for 3 min 20 s. ' +
        'One call every few seconds asks whether it is back; no attempt is used. There is nothing to do: full speed ' +
        'comes back by itself.',
    )
    expect(said({ kind: 'outage', queue: 'nightly', since: null })).toContain('(5xx or no connection). One')
    expect(said({ kind: 'outage_ended', ...outage })).toContain('Conduit answers again, after 3 min 20 s.')
  })

  it('at the end: how many calls it waits for, and that nothing is lost', () => {
    expect(said({ kind: 'stopping', why: 'told', inFlight: 1, finishMs: 30_000 })).toContain(
      'Stopping: 1 call in flight may finish, for 30 s at most. Ctrl-C again leaves at once.',
    )
    expect(said({ kind: 'stopped', how: 'in_order' })).toMatch(/Stopped\. Nothing is lost/)
    expect(said({ kind: 'stopped', how: 'left' })).toMatch(/Redis does not answer/)
  })
})
