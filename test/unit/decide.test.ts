import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FailedAttempt } from '../../src/completions/attempts.js'
import { type DecideContext, type Decision, decide } from '../../src/completions/decide.js'
import { endingOfLine } from '../../src/completions/ending-of-line.js'
import { placeOfLine } from '../../src/completions/output-line.js'
import type { CompletionRequest } from '../../src/completions/request.js'
import { classify } from '../../src/conduit/classify.js'
import type { Failure, Outcome } from '../../src/conduit/outcome.js'
import type { NoAnswerCode, Reply } from '../../src/conduit/reply.js'

const NOW = Date.UTC(2026, 2, 9, 12)
const HOUR_MS = 3600_000
const REQUEST: CompletionRequest = {
  batch: 'b0123456789ab',
  index: 7,
  generation: 0,
  customId: 'my-id',
  line: 12,
  body: { model: 'gpt-4o', messages: [] },
}
const FAILURE: Failure = {
  status: 503,
  code: 'SERVICE_UNAVAILABLE',
  message: 'later',
  requestId: 'req_1',
  envelope: { code: 'SERVICE_UNAVAILABLE', message: 'later' },
}
const HISTORY: readonly FailedAttempt[] = [
  { at: NOW - 5000, status: null, code: 'timeout', message: 'no answer', requestId: null },
]
/** How an attempt that ended in `FAILURE` is remembered. */
const ATTEMPT: FailedAttempt = {
  at: NOW,
  status: 503,
  code: 'SERVICE_UNAVAILABLE',
  message: 'later',
  requestId: 'req_1',
}
const options = {
  concurrency: 1,
  maxAttempts: 8,
  timeoutMs: 1000,
  backoffBaseMs: 1000,
  backoffCapMs: 60_000,
  priority: 'normal' as const,
}

function attempt(
  made: number,
  over: { refusals?: number; agoMs?: number; maxAttempts?: number; outage?: boolean } = {},
): DecideContext {
  const { refusals = 0, agoMs = 0, maxAttempts = 8, outage = false } = over
  const tries = { made, refusals, outages: 0, fedAt: NOW - agoMs, history: HISTORY }
  return { tries, options: { ...options, maxAttempts }, nowMs: NOW, random: 0.5, outage }
}

const retry: Outcome = { kind: 'retry', failure: FAILURE, retryAfterMs: null }
const throttled: Outcome = { kind: 'throttled', failure: { ...FAILURE, status: 429 }, retryAfterMs: null }
const dead: Outcome = { kind: 'dead', failure: { ...FAILURE, status: 400, code: 'BAD_REQUEST' } }

function deadEnding(decision: Decision) {
  if (decision.kind !== 'end' || decision.ending.kind !== 'dead') throw new Error('it is not dead')
  return decision.ending
}

describe('a completion', () => {
  it('is the end, with its line and its tokens, at any attempt', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const outcome: Outcome = { kind: 'completed', requestId: 'req_1', body: { choices: [{}] }, usage }
    const decision = decide(REQUEST, outcome, attempt(7))
    expect(decision).toMatchObject({ kind: 'end', ending: { kind: 'completed', usage } })
  })
})

describe('a failure that may pass', () => {
  it('goes again, later each time', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6].map((made) => decide(REQUEST, retry, attempt(made)))
    expect(delays).toEqual(
      [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000].map((delayMs) => {
        return { kind: 'retry', delayMs, attempt: ATTEMPT }
      }),
    )
  })

  it('waits longer when Retry-After asks for it', () => {
    const patient: Outcome = { ...retry, retryAfterMs: 90_000 }
    expect(decide(REQUEST, patient, attempt(0))).toMatchObject({ kind: 'retry', delayMs: 90_000 })
  })

  it('is dead after the last attempt, with the last answer', () => {
    const { line, letter } = deadEnding(decide(REQUEST, retry, attempt(7)))
    expect(JSON.parse(line)).toMatchObject({
      response: { status_code: 503, body: { error: FAILURE.envelope } },
      error: {
        code: 'retries_exhausted',
        message: 'gave up after 8 attempts; the last one: later',
        line: 12,
      },
    })
    expect(letter).toEqual({
      batch: REQUEST.batch,
      index: 7,
      generation: 0,
      customId: 'my-id',
      line: 12,
      model: 'gpt-4o',
      code: 'retries_exhausted',
      failure: FAILURE,
      attempts: 8,
      history: HISTORY,
      sendable: true,
      body: null,
      at: NOW,
    })
  })

  it('is called exactly as often as the batch allows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (maxAttempts) => {
        const decisions = Array.from({ length: maxAttempts }, (_, made) =>
          decide(REQUEST, retry, attempt(made, { maxAttempts })),
        )
        const ends = decisions.map(({ kind }) => kind === 'end')
        expect(ends).toEqual([...Array(maxAttempts - 1).fill(false), true])
      }),
    )
  })
})

describe('a failure while Conduit is out', () => {
  const out = (made: number, agoMs = 0) => attempt(made, { agoMs, outage: true })
  const lost: Outcome = {
    ...retry,
    failure: { ...FAILURE, status: null, code: 'network_error', envelope: null },
  }

  it.each([
    ['503', retry],
    ['no connection', lost],
  ])('%s uses no attempt, not even the last one, and waits as after a first', (_, outcome) => {
    for (const made of [0, 3, 7]) {
      expect(decide(REQUEST, outcome, out(made))).toEqual({ kind: 'outage', delayMs: 1000, outages: 1 })
    }
  })

  it('waits longer when Retry-After asks for it', () => {
    const patient: Outcome = { ...retry, retryAfterMs: 90_000 }
    expect(decide(REQUEST, patient, out(0))).toEqual({ kind: 'outage', delayMs: 90_000, outages: 1 })
  })

  it('uses attempts again when the request has been here for a day', () => {
    expect(decide(REQUEST, retry, out(0, 24 * HOUR_MS)).kind).toBe('outage')
    expect(decide(REQUEST, retry, out(0, 25 * HOUR_MS)).kind).toBe('retry')
    expect(deadEnding(decide(REQUEST, retry, out(7, 25 * HOUR_MS))).letter.code).toBe('retries_exhausted')
  })

  it('uses none for as long as its batch has a completion window', () => {
    const context = out(7, 25 * HOUR_MS)
    const withWindow = { ...context, options: { ...context.options, completionWindowMs: 48 * HOUR_MS } }
    expect(decide(REQUEST, retry, withWindow).kind).toBe('outage')
  })

  it('changes nothing for any other outcome', () => {
    fc.assert(
      fc.property(fc.constantFrom(throttled, dead), fc.nat({ max: 20 }), (outcome, made) => {
        expect(decide(REQUEST, outcome, out(made))).toEqual(decide(REQUEST, outcome, attempt(made)))
      }),
    )
  })
})

describe('a 429', () => {
  it('goes again however often it came, later each time', () => {
    const waits = [0, 1, 2, 8].map((refusals) => decide(REQUEST, throttled, attempt(0, { refusals })))
    expect(waits).toEqual(
      [
        [1000, 1],
        [2000, 2],
        [4000, 3],
        [60_000, 9],
      ].map(([delayMs, refusals]) => ({ kind: 'throttled', delayMs, refusals })),
    )
  })

  it('uses no attempt, not even the last one', () => {
    expect(decide(REQUEST, throttled, attempt(7, { refusals: 22 })).kind).toBe('throttled')
  })

  it('ends it only after a day of refusals', () => {
    const refusedFor = (agoMs: number) => decide(REQUEST, throttled, attempt(0, { refusals: 1439, agoMs }))
    expect(refusedFor(23 * HOUR_MS).kind).toBe('throttled')
    const { letter, line } = deadEnding(refusedFor(25 * HOUR_MS))
    expect(letter.code).toBe('throttled_too_long')
    expect(JSON.parse(line).error).toEqual({
      code: 'throttled_too_long',
      message: 'Conduit refused it with 429 for more than 24 hours',
      line: 12,
    })
  })

  it('ends it after its completion window, where that is the bound, and says so', () => {
    const context = attempt(0, { refusals: 1439, agoMs: 2 * HOUR_MS })
    const withWindow = { ...context, options: { ...context.options, completionWindowMs: HOUR_MS } }
    const { line } = deadEnding(decide(REQUEST, throttled, withWindow))
    expect(JSON.parse(line).error.message).toBe(
      "Conduit refused it with 429 for longer than its batch's completion window",
    )
  })

  it('does not end what waited for days in a paused queue, and is now refused for the first time', () => {
    const weekend = attempt(0, { refusals: 1, agoMs: 60 * HOUR_MS })
    expect(decide(REQUEST, throttled, weekend).kind).toBe('throttled')
  })
})

describe('a refusal for good', () => {
  it('is dead at once; its line is the answer of Conduit alone', () => {
    const { line, letter } = deadEnding(decide(REQUEST, dead, attempt(0)))
    expect(letter).toMatchObject({ code: 'BAD_REQUEST', attempts: 1 })
    expect(JSON.parse(line)).toMatchObject({ response: { status_code: 400 }, error: null })
  })

  it('says what it was where Conduit did not answer', () => {
    const failure = { ...FAILURE, status: null, code: 'request_unsendable', message: 'why', envelope: null }
    const { line } = deadEnding(decide(REQUEST, { kind: 'dead', failure }, attempt(0)))
    expect(JSON.parse(line)).toMatchObject({
      response: null,
      error: { code: 'request_unsendable', message: 'why', line: 12 },
    })
  })
})

it('a 200 whose answer can not be used is a failure on its line too', () => {
  const failure = { ...FAILURE, status: 200, code: 'response_too_large', message: 'why', envelope: null }
  const { line } = deadEnding(decide(REQUEST, { kind: 'dead', failure }, attempt(0)))
  expect(JSON.parse(line)).toMatchObject({
    response: { status_code: 200 },
    error: { code: 'response_too_large', message: 'why', line: 12 },
  })
})

it('a refusal of the queue that came too late goes again, without an attempt', () => {
  const late: Outcome = { kind: 'held', reason: 'credits', failure: FAILURE, retryAfterMs: null }
  expect(decide(REQUEST, late, attempt(7))).toEqual({ kind: 'again', delayMs: 1000 })
})

describe('whatever came back', () => {
  const answer: fc.Arbitrary<Reply> = fc.record({
    kind: fc.constant('answer' as const),
    status: fc.oneof(
      fc.constantFrom(200, 400, 401, 402, 404, 429, 500, 503),
      fc.integer({ min: 100, max: 999 }),
    ),
    requestId: fc.option(fc.string()),
    retryAfter: fc.option(fc.oneof(fc.string(), fc.nat().map(String))),
    text: fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('VALIDATION_ERROR', 'API_KEY_INVALID', 'RATE_LIMIT_EXCEEDED').map((code) => {
        return JSON.stringify({ error: { code, message: 'why' } })
      }),
      fc.jsonValue().map((usage) => JSON.stringify({ choices: [{}], usage })),
    ),
  })
  const noAnswer: fc.Arbitrary<Reply> = fc.record({
    kind: fc.constant('no_answer' as const),
    code: fc.constantFrom<NoAnswerCode[]>(
      'network_error',
      'timeout',
      'response_too_large',
      'request_unsendable',
    ),
    status: fc.option(fc.integer({ min: 100, max: 599 })),
    requestId: fc.option(fc.string()),
    retryAfter: fc.option(fc.string()),
    message: fc.string(),
    maybeSent: fc.boolean(),
  })
  const tries = fc.record({
    made: fc.nat({ max: 20 }),
    more: fc.nat({ max: 20 }),
    agoMs: fc.nat(),
    outage: fc.boolean(),
  })

  it('is the end or a wait that can be waited', () => {
    fc.assert(
      fc.property(
        fc.oneof(answer, noAnswer),
        tries,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (reply, t, random) => {
          const context = {
            ...attempt(t.made, { refusals: t.more, agoMs: t.agoMs, outage: t.outage }),
            random,
          }
          const decision = decide(REQUEST, classify(reply, NOW), context)
          if (decision.kind === 'end') return
          expect(decision.delayMs).toBeGreaterThanOrEqual(0)
          expect(Number.isSafeInteger(decision.delayMs)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('has a line that tells, after a crash, exactly what was recorded', () => {
    fc.assert(
      fc.property(fc.oneof(answer, noAnswer), tries, (reply, t) => {
        const decision = decide(REQUEST, classify(reply, NOW), attempt(t.made, { agoMs: t.agoMs }))
        if (decision.kind !== 'end') return
        const { ending } = decision
        expect(placeOfLine(ending.line)).toEqual({ batch: REQUEST.batch, index: 7, generation: 0 })
        const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
        expect(endingOfLine(ending.line)).toEqual(
          ending.kind === 'completed'
            ? { kind: 'completed', code: '', usage: ending.usage }
            : { kind: 'dead', code: ending.letter.code, usage },
        )
      }),
      { numRuns: 500 },
    )
  })
})
