import { describe, expect, it } from 'vitest'
import { classify } from '../../src/conduit/classify.js'
import type { Failure } from '../../src/conduit/outcome.js'

/** The envelope as Conduit's Error Handling page shows it. */
const DOCUMENTED = {
  message: 'Request validation failed',
  code: 'VALIDATION_ERROR',
  details: { fields: { temperature: 'must be at most 2' } },
  timestamp: '2026-03-09T12:00:00.000Z',
  requestId: 'req_abc123',
}

function failureOf(status: number, text: string, requestId: string | null = 'req_header'): Failure {
  const outcome = classify({ kind: 'answer', status, requestId, retryAfter: null, text }, 0)
  if (outcome.kind === 'completed') throw new Error('expected a failure')
  return outcome.failure
}
const failureFor = (error: unknown) => failureOf(400, JSON.stringify({ error }))

describe('an envelope', () => {
  it('is kept whole, details.fields and unknown fields included', () => {
    const error = { ...DOCUMENTED, docs: 'https://conduit.im/docs', __extra: [1, { a: null }] }
    expect(failureFor(error)).toEqual({
      status: 400,
      code: 'VALIDATION_ERROR',
      message: 'Request validation failed',
      requestId: 'req_abc123',
      envelope: error,
    })
  })

  it('is read without details, as the rate-limit page shows it', () => {
    const { details: _, ...error } = DOCUMENTED
    expect(failureFor(error)).toMatchObject({ code: 'VALIDATION_ERROR', envelope: error })
  })

  it('is read with only a code, or only a message', () => {
    expect(failureFor({ code: 'BAD_REQUEST' })).toMatchObject({
      code: 'BAD_REQUEST',
      envelope: { code: 'BAD_REQUEST' },
    })
    expect(failureFor({ message: 'no' })).toMatchObject({
      code: 'http_400',
      message: 'no',
      envelope: { message: 'no' },
    })
    expect(failureFor({ message: 'no', code: null })).toMatchObject({ code: 'http_400', message: 'no' })
  })

  it('is read whatever the type of everything else in it', () => {
    const error = { code: 'BAD_REQUEST', message: 'no', details: 7, timestamp: [], requestId: { id: 1 } }
    expect(failureFor(error)).toEqual({
      status: 400,
      code: 'BAD_REQUEST',
      message: 'no',
      requestId: 'req_header',
      envelope: error,
    })
  })

  it('is read behind a byte order mark', () => {
    expect(failureOf(400, `\ufeff${JSON.stringify({ error: DOCUMENTED })}`).code).toBe('VALIDATION_ERROR')
  })

  it.each([
    ['a number for a code', { error: { code: 400, message: 'no' } }],
    ['an object for a message', { error: { code: 'BAD_REQUEST', message: {} } }],
    ['neither code nor message', { error: { details: {} } }],
    ['an empty code and message', { error: { code: '', message: '' } }],
    ['a string for the error', { error: 'BAD_REQUEST' }],
    ['an array for the error', { error: [DOCUMENTED] }],
    ['null for the error', { error: null }],
    ['no error', { code: 'BAD_REQUEST', message: 'no' }],
    ['an array around it', [{ error: DOCUMENTED }]],
    ['a string around it', 'error'],
    ['null', null],
  ])('with %s is none: the status decides and the header names the request', (_, body) => {
    expect(failureOf(400, JSON.stringify(body))).toMatchObject({
      status: 400,
      code: 'http_400',
      requestId: 'req_header',
      envelope: null,
    })
  })

  it.each([
    ['empty', '', 'HTTP 502 with an empty body'],
    ['blank', ' \r\n', 'HTTP 502 with an empty body'],
    ['HTML', '<html><h1>502 Bad Gateway</h1></html>', 'HTTP 502 with a page of HTML or XML (37 characters)'],
    ['plain text', 'upstream connect error', 'HTTP 502 with a body that is not JSON (22 characters)'],
    [
      'cut',
      JSON.stringify({ error: DOCUMENTED }).slice(0, -1),
      'HTTP 502 with a body that is not JSON (195 characters)',
    ],
    ['binary', '\u0000\ufffd\u001f', 'HTTP 502 with a body that is not JSON (3 characters)'],
    ['nested too deep', '[{"a":'.repeat(50_000), /not JSON/],
    ['nested too deep but whole', '['.repeat(50_000) + ']'.repeat(50_000), /not JSON/],
  ])('that is %s is none', (_, text, message) => {
    expect(failureOf(502, text)).toMatchObject({
      code: 'http_502',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
      requestId: 'req_header',
      envelope: null,
    })
  })

  it('nested deeper than any file could hold is none, and does not overflow the stack', () => {
    const depth = 100_000
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    expect(failureOf(400, `{"error":{"code":"X","details":${deep}}}`)).toMatchObject({
      code: 'http_400',
      envelope: null,
    })
  })

  it('that is huge leaves its code, a bounded message and its request id', () => {
    const failure = failureFor({ ...DOCUMENTED, message: 'x'.repeat(5_000_000) })
    expect(failure).toMatchObject({ code: 'VALIDATION_ERROR', requestId: 'req_abc123', envelope: null })
    expect(failure.message).toBe(`${'x'.repeat(499)}…`)
  })

  it('is kept up to 16 KB and no further', () => {
    const sized = (length: number) => ({
      code: 'X',
      pad: 'p'.repeat(length - JSON.stringify({ code: 'X', pad: '' }).length),
    })
    expect(failureFor(sized(16_384)).envelope).toEqual(sized(16_384))
    expect(failureFor(sized(16_385)).envelope).toBeNull()
  })

  it('cannot drive a terminal, break a line or split a character', () => {
    expect(failureFor({ code: 'A\u001b[31mB', message: 'one\r\ntwo\u202e\u2028three\u009b' })).toMatchObject({
      code: 'A [31mB',
      message: 'one two three',
    })
    const cut = failureFor({ code: 'X', message: '😀'.repeat(300) }).message
    expect(cut).toBe(`${'😀'.repeat(249)}…`)
    expect(failureFor({ code: 'X', message: '\n'.repeat(2000) }).message).toMatch(/^HTTP 400 with /)
    expect(failureFor({ code: 'C'.repeat(1000), message: 'm' }).code).toHaveLength(100)
  })

  it('names the request only where it does so itself; else the header does, else nobody', () => {
    expect(failureFor({ ...DOCUMENTED, requestId: '' }).requestId).toBe('req_header')
    expect(failureOf(400, '', null).requestId).toBeNull()
    expect(failureOf(400, '', `r\u0007${'x'.repeat(500)}`).requestId).toHaveLength(200)
  })

  it('keeps a __proto__ it was sent without touching a prototype', () => {
    const failure = failureOf(400, '{"error":{"code":"X","message":"m","__proto__":{"polluted":true}}}')
    expect(JSON.stringify(failure.envelope)).toBe('{"code":"X","message":"m","__proto__":{"polluted":true}}')
    expect({}).not.toHaveProperty('polluted')
  })
})
