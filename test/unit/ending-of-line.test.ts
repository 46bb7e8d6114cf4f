import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endingOfLine } from '../../src/completions/ending-of-line.js'
import { answerLine, errorLine } from '../../src/completions/output-line.js'
import { classify } from '../../src/conduit/classify.js'
import type { Outcome } from '../../src/conduit/outcome.js'

const PLACE = { batch: 'b0123456789ab', index: 7, generation: 0 }
const NOW = Date.UTC(2026, 2, 9, 12)
const NO_TOKENS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

function outcomeOf(status: number, body: unknown): Outcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return classify({ kind: 'answer', status, requestId: 'req_1', retryAfter: null, text }, NOW)
}

/** The line that is written for an outcome, as handleRequest writes it. */
function lineOf(outcome: Outcome): string {
  return outcome.kind === 'completed'
    ? answerLine(PLACE, 'my-id', outcome)
    : errorLine(PLACE, 'my-id', outcome.failure, null)
}

describe('an answer on disk', () => {
  it('tells its tokens', () => {
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }
    const outcome = outcomeOf(200, { choices: [{}], usage })
    expect(endingOfLine(lineOf(outcome))).toEqual({ kind: 'completed', code: '', usage })
  })

  const oddUsages = [
    null,
    'none',
    [],
    {},
    { prompt_tokens: -1 },
    { total_tokens: 1.5 },
    { total_tokens: '12' },
  ]
  it.each(oddUsages.map((usage) => [usage]))(
    'counts what was counted when it came, with the usage %j',
    (usage) => {
      const outcome = outcomeOf(200, { choices: [{}], usage })
      expect(outcome.kind).toBe('completed')
      expect(endingOfLine(lineOf(outcome)).usage).toEqual('usage' in outcome ? outcome.usage : null)
    },
  )

  it.each([[null], ['none'], [0], [[]], [{}]])(
    'is an answer also with an `error` of %j beside it',
    (error) => {
      const outcome = outcomeOf(200, { choices: [{}], error })
      expect(outcome.kind).toBe('completed')
      expect(endingOfLine(lineOf(outcome))).toMatchObject({ kind: 'completed', code: '' })
    },
  )

  it('says of any completion exactly what was recorded when it came', () => {
    const strange = fc.oneof(fc.jsonValue(), fc.constantFrom(null, {}, []))
    const tokens = fc.oneof(fc.nat(), fc.integer(), fc.double(), strange)
    const usage = fc.oneof(
      strange,
      fc.record(
        { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens },
        { requiredKeys: [] },
      ),
    )
    const body = fc.record(
      { choices: fc.constant([{}]), usage, error: strange, id: strange },
      { requiredKeys: ['choices'] },
    )
    fc.assert(
      fc.property(body, (given) => {
        const outcome = outcomeOf(200, given)
        fc.pre(outcome.kind === 'completed')
        expect(endingOfLine(lineOf(outcome))).toEqual({ kind: 'completed', code: '', usage: outcome.usage })
      }),
      { numRuns: 200 },
    )
  })
})

describe('a failure on disk', () => {
  it("tells Conduit's code", () => {
    const outcome = outcomeOf(404, { error: { code: 'CHAT_MODEL_NOT_FOUND', message: 'no such model' } })
    expect(endingOfLine(lineOf(outcome))).toEqual({
      kind: 'dead',
      code: 'CHAT_MODEL_NOT_FOUND',
      usage: NO_TOKENS,
    })
  })

  it('tells our code where we gave one', () => {
    const outcome = outcomeOf(503, { error: { code: 'SERVICE_UNAVAILABLE', message: 'later' } })
    if (outcome.kind !== 'retry') throw new Error('a 503 is retried')
    const error = { code: 'retries_exhausted', message: 'gave up', line: 3 }
    const line = errorLine(PLACE, 'my-id', outcome.failure, error)
    expect(endingOfLine(line)).toMatchObject({ kind: 'dead', code: 'retries_exhausted' })
    expect(endingOfLine(errorLine(PLACE, null, null, error))).toMatchObject({ code: 'retries_exhausted' })
  })

  it('is a failure also when the last answer was a 200', () => {
    const outcome = outcomeOf(200, 'no completion')
    if (outcome.kind !== 'retry') throw new Error('an unreadable 200 is retried')
    const error = { code: 'retries_exhausted', message: 'gave up', line: 3 }
    expect(endingOfLine(errorLine(PLACE, 'my-id', outcome.failure, error)).kind).toBe('dead')
  })

  const oddErrors = [{ code: null, message: 'why' }, { message: 'why' }, { code: '', message: 'why' }]
  it.each(oddErrors.map((error) => [error]))(
    'tells the code that was counted when it came, for the envelope %j',
    (error) => {
      const outcome = outcomeOf(409, { error })
      expect(outcome.kind).toBe('dead')
      expect(endingOfLine(lineOf(outcome)).code).toBe('failure' in outcome ? outcome.failure.code : null)
    },
  )

  it('says of any refusal exactly what was recorded when it came', () => {
    const part = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom(null, '', 'NOT_FOUND'))
    const error = fc.record({ code: part, message: part, details: part }, { requiredKeys: [] })
    const body = fc.oneof(fc.record({ error }), fc.jsonValue(), fc.string())
    const status = fc.constantFrom(302, 400, 403, 404, 409, 418, 422)
    fc.assert(
      fc.property(status, body, (given, answer) => {
        const outcome = outcomeOf(given, answer)
        if (outcome.kind !== 'dead') throw new Error(`${given} is not retried`)
        expect(endingOfLine(lineOf(outcome))).toEqual({
          kind: 'dead',
          code: outcome.failure.code,
          usage: NO_TOKENS,
        })
      }),
      { numRuns: 200 },
    )
  })
})

it('refuses a line that is none of ours', () => {
  expect(() => endingOfLine('not JSON')).toThrow()
  expect(() => endingOfLine('{"id":"batch_req_1"}')).toThrow()
})
