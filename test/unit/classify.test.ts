import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classify } from '../../src/conduit/classify.js'
import type { Outcome } from '../../src/conduit/outcome.js'
import type { NoAnswerCode, Reply } from '../../src/conduit/reply.js'

const NOW = Date.UTC(2026, 2, 9, 12, 0, 0)
const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_773_057_600,
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
}
const NO_TOKENS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

function answer(status: number, body: unknown, retryAfter: string | null = null): Outcome {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return classify({ kind: 'answer', status, requestId: 'req_1', retryAfter, text }, NOW)
}

const envelope = (code: string) => ({ error: { message: 'why', code, requestId: 'req_1' } })

function noAnswer(code: NoAnswerCode, head: { status?: number; retryAfter?: string } = {}): Outcome {
  const status = head.status ?? null
  const retryAfter = head.retryAfter ?? null
  const maybeSent = code !== 'api_key_unusable' && code !== 'request_unsendable'
  return classify(
    { kind: 'no_answer', code, status, requestId: null, retryAfter, message: 'why', maybeSent },
    NOW,
  )
}

/** An outcome in one word: its kind, with the reason of a hold. */
function short(outcome: Outcome): string {
  return outcome.kind === 'held' ? `held ${outcome.reason}` : outcome.kind
}

// Written from conduit-api.md, not from the table under test.
const DOCUMENTED: [number, string, string][] = [
  [400, 'VALIDATION_ERROR', 'dead'],
  [400, 'BAD_REQUEST', 'dead'],
  [401, 'API_KEY_INVALID', 'held credentials'],
  [401, 'API_KEY_EXPIRED', 'held credentials'],
  [401, 'AUTH_UNAUTHORIZED', 'held credentials'],
  [402, 'BILLING_INSUFFICIENT_FUNDS', 'held credits'],
  [403, 'AUTH_FORBIDDEN', 'dead'],
  [404, 'NOT_FOUND', 'dead'],
  [404, 'CHAT_MODEL_NOT_FOUND', 'dead'],
  [429, 'RATE_LIMIT_EXCEEDED', 'throttled'],
  [429, 'CHAT_RATE_LIMIT_EXCEEDED', 'throttled'],
  [429, 'RATE_LIMIT_QUOTA_EXCEEDED', 'held daily_quota'],
  [429, 'API_KEY_LIMIT_EXCEEDED', 'held spending_limit'],
  [500, 'INTERNAL_SERVER_ERROR', 'retry'],
  [503, 'SERVICE_UNAVAILABLE', 'retry'],
  [504, 'SERVICE_TIMEOUT', 'retry'],
]

/** What a status means with a code nobody knows, or without one. */
const STATUSES: [number, string][] = [
  ...[100, 101, 103, 199, 201, 202, 204, 206, 226, 299].map((s): [number, string] => [s, 'retry']),
  ...[300, 301, 302, 303, 304, 307, 308, 399].map((s): [number, string] => [s, 'dead']),
  ...[400, 403, 404, 405, 406, 407, 409, 410, 411, 413, 414, 415, 418, 422, 424, 426, 428, 431, 451, 499].map(
    (s): [number, string] => [s, 'dead'],
  ),
  [401, 'held credentials'],
  [402, 'held credits'],
  [408, 'retry'],
  [425, 'retry'],
  [429, 'throttled'],
  ...[500, 501, 502, 503, 504, 507, 508, 520, 522, 524, 529, 599].map((s): [number, string] => [s, 'retry']),
  ...[0, -1, 99, 600, 999].map((s): [number, string] => [s, 'retry']),
]

describe('every code that Conduit documents', () => {
  it.each(DOCUMENTED)('%i %s is %s', (status, code, expected) => {
    const outcome = answer(status, envelope(code))
    expect(short(outcome)).toBe(expected)
    expect(outcome).toMatchObject({ failure: { status, code, message: 'why', requestId: 'req_1' } })
  })
})

describe('every status', () => {
  it.each(STATUSES)('%i with a code never seen is %s', (status, expected) => {
    const outcome = answer(status, envelope('NEVER_SEEN'))
    expect(short(outcome)).toBe(expected)
    expect(outcome).toMatchObject({ failure: { status, code: 'NEVER_SEEN' } })
  })

  it.each(STATUSES)('%i with an empty body is %s', (status, expected) => {
    const outcome = answer(status, '')
    expect(short(outcome)).toBe(expected)
    const code =
      status < 300 || status > 599 ? 'unreadable_answer' : status < 400 ? 'redirect' : `http_${status}`
    expect(outcome).toMatchObject({ failure: { status, code, requestId: 'req_1', envelope: null } })
  })

  it.each(STATUSES)('%i with a page of HTML is %s', (status, expected) => {
    expect(short(answer(status, '<!doctype html><title>nginx</title>'))).toBe(expected)
  })

  it.each(STATUSES)('%i with a cut envelope is %s', (status, expected) => {
    expect(short(answer(status, '{"error":{"message":"why","code":"RATE_LI'))).toBe(expected)
  })

  it.each(STATUSES)('%i that holds a completion all the same is %s', (status, expected) => {
    expect(short(answer(status, COMPLETION))).toBe(expected)
  })

  it.each(STATUSES.filter(([status]) => status >= 300 && status <= 599))(
    '%i whose body never came is %s',
    (status, expected) => {
      for (const code of ['network_error', 'timeout', 'response_too_large'] as const) {
        const outcome = noAnswer(code, { status, retryAfter: '7' })
        expect(short(outcome)).toBe(expected)
        expect(outcome).toMatchObject({
          failure: {
            status,
            code: status < 400 ? 'redirect' : `http_${status}`,
            message: `HTTP ${status}, but why`,
          },
        })
        if (outcome.kind !== 'dead') expect(outcome).toMatchObject({ retryAfterMs: 7000 })
      }
    },
  )
})

describe('a code under a status that Conduit does not document it for', () => {
  const elsewhere = DOCUMENTED.flatMap(([at, code]) =>
    STATUSES.filter(([status]) => status !== at).map(([status, expected]): [number, string, string] => [
      status,
      code,
      expected,
    ]),
  ).filter(([status, code]) => !DOCUMENTED.some(([s, c]) => s === status && c === code))

  it('leaves the decision to the status', () => {
    for (const [status, code, expected] of elsewhere) {
      expect([status, code, short(answer(status, envelope(code)))]).toEqual([status, code, expected])
    }
  })
})

describe('a 200', () => {
  it('that holds a completion is completed, its body untouched', () => {
    const body = { ...COMPLETION, system_fingerprint: 'fp', extra: { deep: [1, null, 'x'] } }
    expect(answer(200, body)).toEqual({ kind: 'completed', requestId: 'req_1', body, usage: body.usage })
  })

  it.each([
    ['no usage', undefined, NO_TOKENS],
    ['null', null, NO_TOKENS],
    ['text', '12', NO_TOKENS],
    ['no number in it', { prompt_tokens: '9', completion_tokens: null }, NO_TOKENS],
    ['what cannot be counted', { prompt_tokens: -1, completion_tokens: 1.5, total_tokens: 1e300 }, NO_TOKENS],
    ['a part', { prompt_tokens: 9, details: {} }, { ...NO_TOKENS, prompt_tokens: 9 }],
  ])('is completed with %s for its usage', (_, usage, expected) => {
    expect(answer(200, { ...COMPLETION, usage })).toMatchObject({ kind: 'completed', usage: expected })
  })

  it('is completed with tool calls, several choices, an `error` of null and behind a byte order mark', () => {
    const message = { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function' }] }
    const body = { choices: [{ message }, { message }], error: null }
    expect(answer(200, `\ufeff${JSON.stringify(body)}`)).toMatchObject({ kind: 'completed', body })
  })

  it.each([
    ['nothing', ''],
    ['HTML', '<html>login</html>'],
    ['a cut completion', JSON.stringify(COMPLETION).slice(0, -1)],
    ['an event stream', 'data: {"choices":[{}]}\n\ndata: [DONE]\n\n'],
    ['null', null],
    ['a number', 1],
    ['an array', [COMPLETION]],
    ['no choices', { ...COMPLETION, choices: undefined }],
    ['empty choices', { ...COMPLETION, choices: [] }],
    ['choices that are no array', { ...COMPLETION, choices: { 0: {} } }],
    ['choices that are no objects', { ...COMPLETION, choices: [null] }],
    ['nothing but depth', `{"choices":[${'['.repeat(9999)}${']'.repeat(9999)}]}`],
  ])('with %s is retried as unreadable, and may have been billed', (_, body) => {
    expect(answer(200, body)).toMatchObject({
      kind: 'retry',
      failure: { status: 200, code: 'unreadable_answer', envelope: null, maybeBilled: true },
    })
  })

  it('with an error inside is retried under the code of that error, whatever it is', () => {
    for (const [, code] of DOCUMENTED) {
      const outcome = answer(200, { ...COMPLETION, ...envelope(code) })
      expect(outcome).toMatchObject({ kind: 'retry', failure: { status: 200, code } })
    }
  })
})

describe('no answer', () => {
  it.each<[NoAnswerCode, string]>([
    ['network_error', 'retry'],
    ['timeout', 'retry'],
    ['response_too_large', 'dead'],
    ['api_key_unusable', 'held credentials'],
    ['request_unsendable', 'dead'],
  ])('%s is %s', (code, expected) => {
    const outcome = noAnswer(code)
    expect(short(outcome)).toBe(expected)
    expect(outcome).toMatchObject({ failure: { status: null, code, envelope: null } })
  })

  it.each<[NoAnswerCode, string]>([
    ['network_error', 'retry'],
    ['timeout', 'retry'],
    ['response_too_large', 'dead'],
  ])('behind the head of a 200, %s is %s and may have been billed', (code, expected) => {
    const outcome = noAnswer(code, { status: 200 })
    expect(short(outcome)).toBe(expected)
    expect(outcome).toMatchObject({ failure: { status: 200, code, maybeBilled: true } })
  })

  it('is not said to be billed where nothing was sent or an error was on its way', () => {
    const failures = [noAnswer('api_key_unusable'), noAnswer('timeout', { status: 500 }), answer(500, '')]
    for (const outcome of failures) expect(outcome).not.toHaveProperty('failure.maybeBilled')
  })
})

describe('Retry-After', () => {
  it.each([
    [503, envelope('SERVICE_UNAVAILABLE')],
    [429, envelope('RATE_LIMIT_EXCEEDED')],
    [429, envelope('RATE_LIMIT_QUOTA_EXCEEDED')],
    [429, envelope('API_KEY_LIMIT_EXCEEDED')],
    [402, ''],
  ])('of a %i is read as seconds, as a date and when absent', (status, body) => {
    expect(answer(status, body, '30')).toMatchObject({ retryAfterMs: 30_000 })
    expect(answer(status, body, 'Mon, 09 Mar 2026 12:00:30 GMT')).toMatchObject({ retryAfterMs: 30_000 })
    expect(answer(status, body, null)).toMatchObject({ retryAfterMs: null })
    expect(answer(status, body, 'soon')).toMatchObject({ retryAfterMs: null })
  })
})

describe('whatever comes', () => {
  const codes = fc.constantFrom(...DOCUMENTED.map(([, code]) => code), 'NEVER_SEEN')
  const error = fc.record(
    {
      code: fc.oneof(codes, fc.anything()),
      message: fc.anything(),
      details: fc.anything(),
      requestId: fc.anything(),
    },
    { requiredKeys: [] },
  )
  const json = fc.oneof(
    fc.anything(),
    fc.record({ error }),
    fc.record({ choices: fc.anything(), usage: fc.anything() }, { requiredKeys: [] }),
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    json.map((value) => safeJson(value)),
    fc.tuple(json.map(safeJson), fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
  )
  const status = fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer(), fc.double())
  const header = fc.option(fc.string({ unit: 'binary' }))
  const code = fc.constantFrom<NoAnswerCode>(
    'network_error',
    'timeout',
    'response_too_large',
    'api_key_unusable',
    'request_unsendable',
  )
  const reply: fc.Arbitrary<Reply> = fc.oneof(
    fc.record({ kind: fc.constant('answer' as const), status, requestId: header, retryAfter: header, text }),
    fc.record({
      kind: fc.constant('no_answer' as const),
      code,
      status: fc.option(status),
      requestId: header,
      retryAfter: header,
      message: fc.string({ unit: 'binary' }),
      maybeSent: fc.boolean(),
    }),
  )

  it('is one of the outcomes, with bounded evidence, and never throws', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(reply, fc.oneof(fc.integer(), fc.double()), (seen, nowMs) => {
        const outcome = classify(seen, nowMs)
        expect(['completed', 'retry', 'throttled', 'held', 'dead']).toContain(outcome.kind)
        if (outcome.kind === 'completed') {
          expect(seen.status).toBe(200)
          return
        }
        const { code, message, requestId } = outcome.failure
        expect(code.length).toBeGreaterThan(0)
        expect(code.length).toBeLessThanOrEqual(100)
        expect(message.length).toBeLessThanOrEqual(500)
        expect(`${code}${message}${requestId}`).not.toMatch(/\p{Cc}/u)
        expect(() => JSON.stringify(outcome)).not.toThrow()
        if (outcome.kind !== 'dead' && outcome.retryAfterMs !== null) {
          expect(outcome.retryAfterMs).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('only a 401, 402 or 429, or a key that cannot be sent, can stop a queue', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(reply, (seen) => {
        if (classify(seen, NOW).kind !== 'held') return
        const unusable = seen.kind === 'no_answer' && seen.code === 'api_key_unusable'
        if (!unusable) expect([401, 402, 429]).toContain(seen.status)
      }),
      { numRuns: 1000 },
    )
  })
})

/** JSON of anything fast-check makes up; '' for what has none. */
function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '' // BigInt
  }
}
