import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Incident } from '../../src/admission/hold.js'
import type { BatchSnapshot } from '../../src/batches/snapshot.js'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatMoment,
  formatPercent,
  formatPerMinute,
  formatRate,
  formatShare,
} from '../../src/cli/text/format.js'
import { renderStatus } from '../../src/cli/text/status.js'
import { renderSummary } from '../../src/cli/text/summary.js'
import { summaryObject } from '../../src/cli/text/summary-object.js'
import { displayWidth, truncate } from '../../src/cli/text/width.js'
import { wrap } from '../../src/cli/text/wrap.js'
import {
  aBatch,
  aHold,
  anIncident,
  anyBatch,
  anyIncident,
  anyQueue,
  aPace,
  aQueue,
  NOON_MS,
} from '../support/snapshots.js'

const finished = aBatch({
  state: 'completed',
  completed: 980,
  failed: 20,
  failedByCode: { CHAT_MODEL_NOT_FOUND: 2, VALIDATION_ERROR: 18 },
  pauses: 1,
  finishedAt: NOON_MS,
})
const allAnswered = aBatch({
  state: 'completed',
  completed: 1000,
  failed: 0,
  failedByCode: {},
  finishedAt: NOON_MS,
})

const flat = (batch: BatchSnapshot, incidents: readonly Incident[] = [], columns = 100) =>
  renderSummary(batch, incidents, columns, false).join('\n').replace(/\s+/g, ' ')

describe('the summary of a run', () => {
  it('tells answers, dead letters by code, retries, throttles, tokens, duration and files', () => {
    const told = flat(finished, [anIncident()])
    for (const part of [
      'Finished: 980 answered, 20 failed.',
      'Answered 980 of 1,000 (98%)',
      'Dead letters 20: VALIDATION_ERROR 18, CHAT_MODEL_NOT_FOUND 2',
      'Retries 12',
      'Throttled 31',
      'Tokens 81,220 (50,100 in prompts, 31,120 in answers)',
      'Duration 1 min 00 s',
      'Answers prompts.results.jsonl',
      'Failures prompts.errors.jsonl',
    ]) {
      expect(told).toContain(part)
    }
  })

  it('tells of calls whose answer got lost, and only when there were some', () => {
    expect(flat({ ...finished, maybeBilled: 3 })).toContain(
      'Lost answers 3 (Conduit may have billed these calls)',
    )
    expect(flat(finished)).not.toContain('Lost answers')
  })

  it('tells each pause, how long it took and what ended it', () => {
    const second = anIncident({
      reason: 'credentials',
      code: 'API_KEY_INVALID',
      liftedBy: 'new_key',
      failedProbes: 2,
    })
    const told = flat(finished, [anIncident(), second])
    expect(told).toContain(
      'Paused 11:59:10, for 38 s: The Conduit account has run out of credits ' +
        '(BILLING_INSUFFICIENT_FUNDS, request req_abc123). It ended when alice resumed it.',
    )
    expect(told).toContain('Conduit refused the API key (API_KEY_INVALID, request req_abc123)')
    expect(told).toContain('It ended when another API key was found. 2 tries in between were refused.')
  })

  it('gives the command to look at the failures when there are some', () => {
    expect(flat(finished)).toContain('less prompts.errors.jsonl')
    expect(flat({ ...finished, errors: '-my errors.jsonl' })).toContain("less './-my errors.jsonl'")
  })

  it('asks for nothing and names no errors file when all is answered', () => {
    const told = flat(allAnswered)
    expect(told).toContain('Finished: 1,000 requests, all answered.')
    expect(told).toContain('Dead letters none')
    expect(told).not.toContain('errors.jsonl')
    expect(told).not.toContain('Next')
  })

  it('tells what to do when it ends in a pause', () => {
    const open = anIncident({ liftedAt: null, liftedBy: null, resolvedAt: null })
    const told = flat(aBatch({ queue: 'night' }), [open])
    expect(told).toContain('Paused: The Conduit account has run out of credits. Nothing is lost.')
    expect(told).toContain('not over yet')
    expect(told).toContain(
      'Start the same command again: it goes on where it stopped. Should it pause again at once, type: conduit-batch resume night',
    )
    const others = renderSummary(aBatch(), [open], 200, false, { byItself: () => true }).join(' ')
    expect(others).toContain('Then it goes on by itself')
  })

  it('tells how to go on when it was interrupted', () => {
    const told = flat(aBatch())
    expect(told).toContain('Interrupted with 612 of 1,000 done. Nothing is lost.')
    expect(told).toContain('Start the same command again: it goes on where it stopped.')
    expect(told).toContain('prompts.results.jsonl (once complete)')
  })

  it('tells why it stopped', () => {
    expect(flat(aBatch({ state: 'stopped', reason: 'The input was edited.' }))).toContain(
      'Stopped: The input was edited.',
    )
  })

  it('takes the status and the duration of the run when they are given', () => {
    const told = renderSummary(aBatch(), [], 100, false, { status: 'paused', durationMs: 3_840_000 }).join(
      '\n',
    )
    expect(told).toContain('Paused:')
    expect(told).toContain('1 h 04 min')
  })

  it('tells the limit that was found, and nothing of it when none was met', () => {
    const told = (learnedPerMinute: number | null) =>
      renderSummary(allAnswered, [], 100, false, { learnedPerMinute }).join('\n')
    expect(told(5987)).toMatch(
      /Limit +about 6,000\/min, as found; the next batch of this queue starts with that/,
    )
    expect(told(null)).not.toContain('Limit')
  })

  it('uses colours only when told to, and they change nothing but the look', () => {
    const plain = renderSummary(finished, [anIncident()], 80, false)
    const coloured = renderSummary(finished, [anIncident()], 80, true)
    expect(coloured.join('')).not.toEqual(plain.join(''))
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(plain)
  })

  it('never exceeds the width, nor lets control characters through, whatever the batch holds', () => {
    const widths = fc.integer({ min: 20, max: 200 })
    fc.assert(
      fc.property(anyBatch, fc.array(anyIncident, { maxLength: 3 }), widths, (batch, incidents, columns) => {
        for (const line of renderSummary(batch, incidents, columns, false)) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })
})

describe('the summary of a batch that ended early', () => {
  const early = aBatch({
    completed: 10,
    failed: 90,
    unfinished: 88,
    failedByCode: { batch_cancelled: 88, VALIDATION_ERROR: 2 },
    total: 100,
    finishedAt: NOON_MS,
    reason: 'cancelled by ann',
  })
  const told = (batch: BatchSnapshot) => renderSummary(batch, [], 100, false).join(' ').replace(/\s+/g, ' ')

  it('counts what is not finished apart from what failed, and says how to go on', () => {
    const cancelled = told({ ...early, state: 'cancelled' })
    expect(cancelled).toContain('Cancelled: 10 answered, 2 failed, 88 not finished (cancelled by ann).')
    expect(cancelled).toContain('Dead letters 2: VALIDATION_ERROR 2 Not finished 88')
    expect(cancelled).toContain('Next Start the same command again')
    expect(told({ ...early, state: 'expired' })).toContain('with a longer --completion-window')
  })

  it('says of the brake what it saw, and the line to type', () => {
    const seen = { code: 'NO_MODEL', count: 19, of: 20, message: 'no such model', at: NOON_MS }
    const braked = told({ ...early, state: 'stopped', brake: { batch: 'b1', queue: 'default', ...seen } })
    expect(braked).toContain(
      'The brake: 19 of its last 20 requests failed with NO_MODEL; the last one: no such model.',
    )
    expect(braked).toContain('conduit-batch resume b1')
  })
})

describe('the object of --json', () => {
  it('has exactly the documented form', () => {
    expect(summaryObject(finished, { status: 'completed', durationMs: 60_000.4 })).toStrictEqual({
      batch: 'b1',
      status: 'completed',
      total: 1000,
      completed: 980,
      failed: 20,
      unfinished: 0,
      brake: null,
      overBudget: null,
      costCents: null,
      retries: 12,
      throttled: 31,
      pauses: 1,
      durationMs: 60_000,
      output: 'prompts.results.jsonl',
      errors: 'prompts.errors.jsonl',
      usage: { prompt_tokens: 50_100, completion_tokens: 31_120, total_tokens: 81_220 },
    })
  })

  it('names no errors file when there is none', () => {
    expect(summaryObject(allAnswered, { status: 'completed', durationMs: 1 }).errors).toBeNull()
  })

  it('is one line of JSON that reads back the same', () => {
    fc.assert(
      fc.property(anyBatch, fc.nat(), (batch, durationMs) => {
        const json = JSON.stringify(summaryObject(batch, { status: 'stopped', durationMs }))
        expect(json).not.toContain('\n')
        expect(JSON.parse(json)).toEqual(summaryObject(batch, { status: 'stopped', durationMs }))
      }),
    )
  })
})

describe('the status', () => {
  const flatStatus = (...given: Parameters<typeof renderStatus>) =>
    renderStatus(...given)
      .join('\n')
      .replace(/\s+/g, ' ')

  it('tells of an open queue and its counts', () => {
    const told = flatStatus([aQueue({ delayed: 3 })], [], NOON_MS, 100)
    expect(told).toContain('Queue default, open 1 worker, 40 ready, 3 to retry')
    expect(told).toContain('Pace up to 50/s, 20 in flight of at most 50')
  })

  it('has the limit as it was learned, and the rest of the pace', () => {
    const pace = aPace({ learnedPerMinute: 5987, leased: 3, refusedShare: 0.0042 })
    expect(flatStatus([aQueue({ pace })], [], NOON_MS, 100)).toContain(
      'Pace up to 50/s, limit about 6,000/min, 20 in flight of at most 50, 3 about to go, 0.4% refused',
    )
  })

  it('tells calmly that it waits after a refusal, and only when that takes a while', () => {
    const closed = (ms: number) =>
      aQueue({ pace: aPace({ state: 'closed', since: NOON_MS, closedUntil: NOON_MS + ms }) })
    expect(flatStatus([closed(12_000)], [], NOON_MS, 100)).toContain('Pace up to 50/s, next call in 12 s, 20')
    expect(flatStatus([closed(300)], [], NOON_MS, 100)).toContain('Pace up to 50/s, 20 in flight')
  })

  it('says in an outage since when, that no attempt is used, and that there is nothing to do', () => {
    const pace = aPace({ state: 'outage', since: NOON_MS - 200_000, inFlight: 1 })
    const told = flatStatus([aQueue({ pace })], [], NOON_MS, 100)
    expect(told).toContain('Pace one call every few seconds, 1 in flight of at most 50')
    expect(told).toContain(
      'OUTAGE Conduit does not answer (5xx or no connection) since 11:56:40, for 3 min 20 s. One call every ' +
        'few seconds asks whether it is back; no attempt is used. There is nothing to do: full speed comes back',
    )
    expect(flatStatus([aQueue({ pace, holds: [aHold()] })], [], NOON_MS, 100)).not.toContain('OUTAGE')
  })

  it('tells why a queue is held and what to do', () => {
    const told = flatStatus([aQueue({ queue: 'night', holds: [aHold()] })], [], NOON_MS, 100)
    expect(told).toContain('Queue night, held')
    expect(told).toContain('Insufficient funds (BILLING_INSUFFICIENT_FUNDS) Request id req_abc123')
    expect(told).toContain('conduit-batch resume night')
  })

  it('lists the batches, the newest first, those of a held queue as paused', () => {
    const queues = [aQueue(), aQueue({ queue: 'night', holds: [aHold()] })]
    const batches = [aBatch({ batch: 'old', createdAt: 1 }), aBatch({ batch: 'new', queue: 'night' })]
    const lines = renderStatus(queues, batches, NOON_MS, 120)
    const at = lines.findIndex((line) => line.includes('BATCH'))
    expect(lines[at + 1]).toMatch(
      /^ {2}new +paused +61% +609 +3 +1,000 +night +1 min 00 s ago +prompts\.jsonl$/,
    )
    expect(lines[at + 2]).toMatch(/^ {2}old +running +61% +609 +3 +1,000 +default/)
  })

  it('leaves out columns where there is no room, the most needed last', () => {
    const heading = (columns: number) =>
      renderStatus([], [aBatch()], NOON_MS, columns).find((line) => line.includes('BATCH'))
    expect(heading(60)?.split(/ +/).filter(Boolean)).toEqual(['BATCH', 'STATE', 'DONE', 'FAILED', 'INPUT'])
    expect(heading(40)?.split(/ +/).filter(Boolean)).toEqual(['BATCH', 'STATE', 'DONE', 'FAILED'])
  })

  it('says how to begin when there is no batch', () => {
    expect(flatStatus([], [], NOON_MS, 80)).toContain('Start one: conduit-batch run prompts.jsonl')
  })

  it('never exceeds the width, nor lets control characters through, whatever it is given', () => {
    const queues = fc.array(anyQueue, { maxLength: 3 })
    const batches = fc.array(anyBatch, { maxLength: 4 })
    fc.assert(
      fc.property(queues, batches, fc.integer({ min: 20, max: 200 }), (someQueues, someBatches, columns) => {
        for (const line of renderStatus(someQueues, someBatches, NOON_MS, columns)) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })
})

describe('numbers and times', () => {
  it.each([
    [0, 'under 1 s'],
    [-5, 'under 1 s'],
    [38_900, '38 s'],
    [64_000, '1 min 04 s'],
    [3_840_000, '1 h 04 min'],
    [86_400_000 * 2 + 3_600_000 * 3, '2 d 03 h'],
    [Number.NaN, '–'],
  ])('writes a duration of %d ms as %s', (durationMs, words) => {
    expect(formatDuration(durationMs)).toBe(words)
  })

  it.each([
    [1, '1 s'],
    [7_100, '8 s'],
    [59_500, '1 min 00 s'],
    [121_000, '2 min 10 s'],
    [24.5 * 60_000, '25 min'],
    [59.5 * 60_000, '1 h 00 min'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('rounds an estimate of %d ms up to %s', (estimateMs, words) => {
    expect(formatEstimate(estimateMs)).toBe(words)
  })

  it.each([
    [null, '–/s'],
    [0, '0/s'],
    [0.05, '3/min'],
    [4.24, '4.2/s'],
    [1204.4, '1,204/s'],
  ])('writes a rate of %s as %s', (rate, words) => {
    expect(formatRate(rate)).toBe(words)
  })

  it.each([
    [5987, '6,000/min'],
    [312, '310/min'],
    [0.5, '0.5/min'],
    [Number.NaN, '–/min'],
  ])('writes a limit of %s as %s', (perMinute, words) => {
    expect(formatPerMinute(perMinute)).toBe(words)
  })

  it.each([
    [0, '0%'],
    [0.0002, 'under 0.1%'],
    [0.0042, '0.4%'],
    [0.117, '12%'],
  ])('writes a share of %s as %s', (share, words) => {
    expect(formatShare(share)).toBe(words)
  })

  it.each([
    [512, '512 B'],
    [1_240_000, '1.2 MB'],
    [999_999, '1 MB'],
    [5e15, '5,000 TB'],
  ])('writes %d bytes as %s', (bytes, words) => {
    expect(formatBytes(bytes)).toBe(words)
  })

  it('separates thousands and rounds percents down', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567')
    expect(formatPercent(999_999, 1_000_000)).toBe('99%')
    expect(formatPercent(0, 0)).toBe('100%')
  })

  it('writes a moment of another day with its date', () => {
    expect(formatMoment(NOON_MS, NOON_MS + 1000)).toBe('12:00:00')
    expect(formatMoment(NOON_MS, NOON_MS + 86_400_000)).toBe('9 Mar, 12:00')
    expect(formatMoment(NOON_MS, NOON_MS + 400 * 86_400_000)).toBe('9 Mar 2026, 12:00')
  })
})

describe('text in columns', () => {
  it.each([
    ['abc', 3],
    ['日本語', 6],
    ['e\u0301', 1],
    ['👍', 2],
    ['❤️', 2],
    ['━─╸…', 4],
  ])('takes %s for %d columns wide', (text, columns) => {
    expect(displayWidth(text)).toBe(columns)
  })

  it('cuts between characters, not inside them', () => {
    expect(truncate('日本語', 4)).toBe('日…')
    expect(truncate('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…')
    expect(truncate('abc', 3)).toBe('abc')
  })

  it('loses no word when it wraps, and breaks a word only when it is longer than a line', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1 })
    fc.assert(
      fc.property(words, fc.integer({ min: 2, max: 60 }), (all, columns) => {
        const lines = wrap(all.join(' '), columns)
        expect(lines.join('')).toBe(lines.map((line) => line.trim()).join(''))
        expect(lines.join('').replaceAll(' ', '')).toBe(all.join(''))
        if (all.every((word) => word.length <= columns)) expect(lines.join(' ')).toBe(all.join(' '))
      }),
    )
  })
})
