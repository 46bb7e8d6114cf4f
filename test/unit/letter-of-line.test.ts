import { describe, expect, it } from 'vitest'
import { type FailedAttempt, failedAttempt, readAttempts } from '../../src/completions/attempts.js'
import type { DeadLetter } from '../../src/completions/dead-letters/dead-letter.js'
import { groupOf } from '../../src/completions/dead-letters/group.js'
import { letterOfLine } from '../../src/completions/dead-letters/letter-of-line.js'
import { decide } from '../../src/completions/decide.js'
import { answerLine, errorLine } from '../../src/completions/output-line.js'
import type { CompletionRequest } from '../../src/completions/request.js'
import { classify } from '../../src/conduit/classify.js'
import type { Reply } from '../../src/conduit/reply.js'

const NOW = Date.UTC(2026, 2, 9, 12)
const PLACE = { batch: 'b0123456789ab', index: 7, generation: 2 }
const REQUEST: CompletionRequest = {
  ...PLACE,
  customId: 'my-id',
  line: 12,
  body: { model: 'gpt-4o', messages: [] },
}
const OPTIONS = {
  concurrency: 1,
  maxAttempts: 3,
  timeoutMs: 1000,
  backoffBaseMs: 1000,
  backoffCapMs: 60_000,
  priority: 'normal' as const,
}

/** What is recorded when a request ends so at its last attempt. */
function deathBy(reply: Reply): { line: string; letter: DeadLetter } {
  const tries = { made: 2, refusals: 0, outages: 0, fedAt: NOW, history: [] }
  const context = { tries, options: OPTIONS, nowMs: NOW, random: 0.5, outage: false }
  const decision = decide(REQUEST, classify(reply, NOW), context)
  if (decision.kind !== 'end' || decision.ending.kind !== 'dead') throw new Error('it is not dead')
  return decision.ending
}

const answer = (status: number, body: unknown): Reply => ({
  kind: 'answer',
  status,
  requestId: 'req_header',
  retryAfter: null,
  text: JSON.stringify(body),
})
const envelope = (code: string, more: object = {}) => ({ error: { code, message: `${code} it is`, ...more } })

describe('the dead letter of a line on disk', () => {
  it.each([
    [
      'a validation error',
      answer(400, envelope('VALIDATION_ERROR', { details: { fields: { model: 'no' } } })),
    ],
    ['an unknown model', answer(404, envelope('CHAT_MODEL_NOT_FOUND', { requestId: 'req_1' }))],
    ['a server that failed to the end', answer(503, envelope('SERVICE_UNAVAILABLE'))],
    ['an error without an envelope', answer(422, { detail: 'nope' })],
    [
      'no answer to the end',
      {
        kind: 'no_answer',
        code: 'timeout',
        status: null,
        requestId: null,
        retryAfter: null,
        message: 'no answer after 30 s',
        maybeSent: true,
      },
    ],
  ] satisfies [string, Reply][])('is the one that was buried, as far as the line tells: %s', (_, reply) => {
    const { line, letter } = deathBy(reply)
    const found = letterOfLine(line, PLACE, NOW)
    expect(found).toMatchObject({
      ...PLACE,
      customId: 'my-id',
      code: letter.code,
      sendable: true,
      body: null,
      history: [],
      at: NOW,
    })
    expect(found.failure.status).toBe(letter.failure.status)
    expect(groupOf(found)).toEqual(groupOf(letter))
  })

  it('knows the line of the input and the attempts where the line says them', () => {
    const exhausted = letterOfLine(deathBy(answer(503, envelope('SERVICE_UNAVAILABLE'))).line, PLACE, NOW)
    expect(exhausted).toMatchObject({ line: 12, attempts: 3, model: null })
    const refused = letterOfLine(deathBy(answer(404, envelope('NOT_FOUND'))).line, PLACE, NOW)
    expect(refused).toMatchObject({ line: null, attempts: 1 })
  })

  it('is not sendable when no call was made of it', () => {
    const error = { code: 'missing_model', message: 'There is no model.', line: 3, param: null }
    expect(letterOfLine(errorLine(PLACE, 'line-3', null, error), PLACE, NOW)).toMatchObject({
      sendable: false,
      code: 'missing_model',
      line: 3,
      attempts: 0,
      failure: { status: null, message: 'There is no model.' },
    })
  })

  it.each(['', '{}', '{"custom_id":"a","response":null,"error":null}'])('is none for %j', (line) => {
    expect(() => letterOfLine(line, PLACE, NOW)).toThrow()
  })

  it('is none for an answer, nor for a line that is torn', () => {
    const line = answerLine(PLACE, 'a', { requestId: null, body: {} })
    expect(() => letterOfLine(line, PLACE, NOW)).toThrow('an answer is no dead letter')
    expect(() => letterOfLine(line.slice(0, -1), PLACE, NOW)).toThrow()
  })
})

describe('the attempts that a job remembers', () => {
  const attempt: FailedAttempt = { at: NOW, status: 503, code: 'X', message: 'later', requestId: null }

  it('are read in order, past what is none', () => {
    const traces = [
      JSON.stringify(attempt),
      'Error: why\n    at here',
      'null',
      JSON.stringify({ ...attempt, at: 5 }),
    ]
    expect(readAttempts(traces)).toEqual([attempt, { ...attempt, at: 5 }])
    expect([readAttempts(null), readAttempts(undefined)]).toEqual([[], []])
  })

  it('are a few words each', () => {
    const long = failedAttempt({ ...attempt, message: 'word '.repeat(100) }, 7)
    expect(long.message.length).toBeLessThanOrEqual(200)
    expect(long.at).toBe(7)
  })
})
