import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerLine, customIdOfLine, errorLine } from '../../src/completions/output-line.js'
import { createProducer, InvalidQueueName, InvalidRedisUrl, ProducerOptionInvalid } from '../../src/index.js'
import { toLines } from '../../src/producer/batch-request.js'
import { checkRequest, digestOf } from '../../src/producer/check-request.js'
import { isSameRequest, parseRequestId, requestIdOf } from '../../src/producer/request-id.js'
import { resultOfLine } from '../../src/producer/result.js'
import { REFUSAL } from '../support/endings.js'

const customIds = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' })
const indexes = fc.nat({ max: 2 ** 32 - 1 })
const place = { batch: 'b000000000000', index: 3, generation: 1 }

/** The same value with the keys of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, reversed(inner)])
      .reverse(),
  )
}

describe('the id of a request', () => {
  it('says its place, and tells it from every other with that place', () => {
    fc.assert(
      fc.property(indexes, customIds, customIds, (index, customId, other) => {
        const parsed = parseRequestId(requestIdOf(index, customId).text)
        expect(parsed?.index).toBe(index)
        expect(parsed !== null && isSameRequest(parsed, customId)).toBe(true)
        expect(parsed !== null && isSameRequest(parsed, other)).toBe(other === customId)
      }),
    )
  })
})

describe('the digest of a body', () => {
  it('is the same whatever the order of its keys, and another for another body', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(digestOf(reversed(one))).toBe(digestOf(one))
        const same = JSON.stringify(reversed(one)) === JSON.stringify(reversed(other))
        if (same) expect(digestOf(one)).toBe(digestOf(other))
      }),
    )
    expect(digestOf({ a: [1, 2] })).not.toBe(digestOf({ a: [2, 1] }))
  })
})

describe('a request', () => {
  it('is copied: what its owner does with it later changes nothing; unknown fields go through', () => {
    const request = {
      model: 'm',
      messages: [{ role: 'user', content: 'x', name: 'n' }],
      seed: 7,
      at: new Date(0),
    }
    const { body } = checkRequest(request)
    request.seed = 8
    expect(body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'x', name: 'n' }],
      seed: 7,
      at: '1970-01-01T00:00:00.000Z',
    })
  })

  it('that is nested too deep for a worker to write is refused', () => {
    let deep: unknown = 'x'
    for (let level = 0; level < 1100; level++) deep = [deep]
    expect(() => checkRequest({ model: 'm', messages: [{ role: 'user' }], deep })).toThrow(/nested/)
  })
})

describe('a line of ours', () => {
  it('gives back the custom id and the answer that it was made of', () => {
    fc.assert(
      fc.property(customIds, fc.string({ unit: 'binary' }), (customId, content) => {
        const body = { choices: [{ message: { role: 'assistant', content } }] }
        const line = answerLine(place, customId, { requestId: 'req_1', body })
        const result = resultOfLine(line)
        expect(result).toEqual({ kind: 'completed', customId, response: body, requestId: 'req_1' })
        expect(customIdOfLine(line)).toBe(customId)
      }),
    )
  })

  it('of a failure gives what Conduit said, or what we say', () => {
    const envelope = { ...REFUSAL.envelope, details: { fields: { model: 'unknown' } } }
    expect(resultOfLine(errorLine(place, 'a', { ...REFUSAL, envelope }, null))).toEqual({
      kind: 'failed',
      customId: 'a',
      error: {
        code: 'CHAT_MODEL_NOT_FOUND',
        message: 'There is no such model',
        status: 404,
        requestId: 'req_refused',
        fields: { model: 'unknown' },
      },
    })
    const error = { code: 'invalid_json_line', message: 'It is no JSON', line: 4 }
    expect(resultOfLine(errorLine(place, 'a', null, error))).toEqual({
      kind: 'failed',
      customId: 'a',
      error: { code: 'invalid_json_line', message: 'It is no JSON', status: null, requestId: null },
    })
  })
})

describe('the lines of an iterable', () => {
  it('hold each request, in order, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ prompt: fc.string({ unit: 'binary' }) })), async (requests) => {
        let text = ''
        for await (const part of toLines(requests)) text += part.toString()
        const lines = text.split('\n').slice(0, -1)
        expect(lines.map((line) => JSON.parse(line))).toEqual(requests)
      }),
    )
  })
})

describe('an option that can not be right', () => {
  it('is told when the producer is made, without a connection', () => {
    expect(() => createProducer({ redis: 'http://x' })).toThrow(InvalidRedisUrl)
    expect(() => createProducer({ queue: 'No' })).toThrow(InvalidQueueName)
    expect(() => createProducer({ keepAnswersMs: 0 })).toThrow(ProducerOptionInvalid)
    expect(() => createProducer({ url: 'x' } as object)).toThrow(/url/)
  })
})
