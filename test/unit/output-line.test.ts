import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerLine, errorLine, lineId, placeOfLine } from '../../src/completions/output-line.js'
import type { RequestPlace } from '../../src/completions/request.js'
import type { Failure } from '../../src/conduit/outcome.js'
import { anyCharacter } from '../support/snapshots.js'

const PLACE: RequestPlace = { batch: 'b0123456789ab', index: 7, generation: 1 }
const ENVELOPE = {
  message: 'Validation failed',
  code: 'VALIDATION_ERROR',
  details: { fields: { temperature: 'must be a number between 0 and 2' } },
  timestamp: '2026-03-09T12:00:00.000Z',
  requestId: 'req_abc123',
}
const REFUSED: Failure = {
  status: 400,
  code: 'VALIDATION_ERROR',
  message: 'Validation failed',
  requestId: 'req_abc123',
  envelope: ENVELOPE,
}
const UNANSWERED: Failure = {
  status: null,
  code: 'timeout',
  message: 'no complete answer within 300 s',
  requestId: null,
  envelope: null,
}

const anyPlace: fc.Arbitrary<RequestPlace> = fc.record({
  batch: fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 12, maxLength: 12 })
    .map((hex) => `b${hex}`),
  index: fc.nat({ max: 999_999_999_999_999 }),
  generation: fc.nat({ max: 999_999_999 }),
})
const anyId = fc.string({ unit: anyCharacter, maxLength: 50 })
const anyBody = fc.dictionary(fc.string(), fc.jsonValue())

describe('the line of an answer', () => {
  it("is OpenAI's output line", () => {
    const body = { id: 'chatcmpl-1', choices: [{ message: { role: 'assistant', content: 'Hi' } }] }
    expect(JSON.parse(answerLine(PLACE, 'my-id', { requestId: 'req_1', body }))).toEqual({
      id: 'batch_req_b0123456789ab_7_1',
      custom_id: 'my-id',
      response: { status_code: 200, request_id: 'req_1', body },
      error: null,
    })
  })

  it('holds the body as it came, and is one line, whatever is in it', () => {
    fc.assert(
      fc.property(anyPlace, anyId, anyBody, (place, customId, body) => {
        const line = answerLine(place, customId, { requestId: null, body })
        expect(line).not.toMatch(/[\r\n]/)
        expect(JSON.parse(line).response.body).toEqual(JSON.parse(JSON.stringify(body)))
        expect(JSON.parse(line).custom_id).toBe(customId)
      }),
    )
  })
})

describe('the line of a failure', () => {
  it('holds the status, the whole envelope and the request id where Conduit answered', () => {
    expect(JSON.parse(errorLine(PLACE, 'my-id', REFUSED, null))).toEqual({
      id: 'batch_req_b0123456789ab_7_1',
      custom_id: 'my-id',
      response: { status_code: 400, request_id: 'req_abc123', body: { error: ENVELOPE } },
      error: null,
    })
  })

  it('has an error body in the same form where Conduit sent no envelope', () => {
    const page = { ...REFUSED, code: 'http_400', message: 'HTTP 400 with an empty body', envelope: null }
    expect(JSON.parse(errorLine(PLACE, 'my-id', page, null)).response.body).toEqual({
      error: { code: 'http_400', message: 'HTTP 400 with an empty body' },
    })
  })

  it('has no response where none came', () => {
    const error = { code: 'retries_exhausted', message: 'gave up after 8 attempts', line: 12 }
    expect(JSON.parse(errorLine(PLACE, 'my-id', UNANSWERED, error))).toEqual({
      id: 'batch_req_b0123456789ab_7_1',
      custom_id: 'my-id',
      response: null,
      error,
    })
  })

  it('has neither for a line that was never sent, only what is wrong and where', () => {
    const error = { code: 'missing_model', message: 'There is no model', param: 'model', line: 3 }
    expect(JSON.parse(errorLine(PLACE, null, null, error))).toMatchObject({
      custom_id: null,
      response: null,
      error,
    })
  })

  it('keeps both where retries ran out on an answer', () => {
    const error = { code: 'retries_exhausted', message: 'gave up after 8 attempts', line: 12 }
    const line = JSON.parse(errorLine(PLACE, 'my-id', { ...REFUSED, status: 503 }, error))
    expect(line).toMatchObject({ response: { status_code: 503, body: { error: ENVELOPE } }, error })
  })
})

describe('the request that a line answers', () => {
  it('is found again in an answer', () => {
    fc.assert(
      fc.property(anyPlace, anyId, anyBody, (place, customId, body) => {
        expect(placeOfLine(answerLine(place, customId, { requestId: null, body }))).toEqual(place)
      }),
    )
  })

  it('is found again in a failure', () => {
    fc.assert(
      fc.property(anyPlace, fc.option(anyId), (place, customId) => {
        const error = { code: 'x', message: 'y', line: 1 }
        expect(placeOfLine(errorLine(place, customId, null, error))).toEqual(place)
        expect(placeOfLine(errorLine(place, customId, REFUSED, null))).toEqual(place)
      }),
    )
  })

  it('is another for each request', () => {
    fc.assert(
      fc.property(anyPlace, anyPlace, (one, other) => {
        const same =
          one.batch === other.batch && one.index === other.index && one.generation === other.generation
        expect(lineId(one) === lineId(other)).toBe(same)
      }),
    )
  })

  it.each([
    '',
    'not JSON',
    '{}',
    '{"id":"batch_req_abc","custom_id":"x"}',
    '{"custom_id":"x","id":"batch_req_b0123456789ab_7_1"}',
    '{"id":"batch_req_b0123456789ab_-7_1"}',
    '{"id":"batch_req_b0123456789ab_7_1x"}',
    '{"id":"batch_req_b0123456789AB_7_1"}',
    ' {"id":"batch_req_b0123456789ab_7_1"}',
  ])('is none in a line that is not ours: %j', (line) => {
    expect(placeOfLine(line)).toBeNull()
  })

  it('is never found in text that somebody else wrote', () => {
    fc.assert(
      fc.property(anyId, anyBody, (customId, body) => {
        expect(placeOfLine(JSON.stringify({ id: customId, custom_id: lineId(PLACE), body }))).toBeNull()
      }),
    )
  })
})
