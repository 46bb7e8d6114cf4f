import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LINE_PROBLEM_CODES } from '../../src/batches/input/line-problem.js'
import { parseRequestLine } from '../../src/batches/input/request-line.js'

const messages = [{ role: 'user', content: 'What is a walrus?' }]

function parse(value: unknown, model: string | null = null) {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return parseRequestLine(text, { line: 7, model })
}

function problem(value: unknown, model: string | null = null) {
  const parsed = parse(value, model)
  if (parsed.ok) throw new Error('the line was accepted')
  expect(parsed.problem.line).toBe(7)
  return { customId: parsed.customId, ...parsed.problem }
}

const batchLine = (over: object) => ({
  custom_id: 'a',
  method: 'POST',
  url: '/v1/chat/completions',
  body: { model: 'm', messages },
  ...over,
})

describe('the three forms of a line', () => {
  it('takes an OpenAI batch line', () => {
    expect(parse(batchLine({}))).toEqual({ ok: true, customId: 'a', body: { model: 'm', messages } })
  })

  it('takes a batch line without method and url, for there is only one thing to send', () => {
    expect(parse({ custom_id: 'a', body: { model: 'm', messages } })).toMatchObject({
      ok: true,
      customId: 'a',
    })
  })

  it('takes a bare chat body and leaves its custom_id out of what is sent', () => {
    expect(parse({ custom_id: 'a', model: 'm', messages })).toEqual({
      ok: true,
      customId: 'a',
      body: { model: 'm', messages },
    })
  })

  it('makes a prompt one user message and keeps the other fields', () => {
    expect(parse({ custom_id: 'p', prompt: 'Hi', max_tokens: 5 }, 'm')).toEqual({
      ok: true,
      customId: 'p',
      body: { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] },
    })
  })

  it('passes fields it does not know through untouched, in every form', () => {
    const extra = {
      tools: [{ type: 'function' }],
      response_format: { type: 'json_object' },
      seed: 1,
      stream: false,
    }
    for (const line of [
      { model: 'm', messages, ...extra },
      { model: 'm', prompt: 'x', ...extra },
    ]) {
      expect(parse(line)).toMatchObject({ ok: true, body: extra })
    }
    expect(parse(batchLine({ body: { model: 'm', messages, ...extra, custom_id: 'inner' } }))).toEqual({
      ok: true,
      customId: 'a',
      body: { model: 'm', messages, ...extra, custom_id: 'inner' },
    })
  })

  it('leaves values to Conduit to judge', () => {
    const body = {
      model: 'no-such',
      messages: [{ role: 'wizard', content: 5 }],
      temperature: 'hot',
      max_tokens: -1,
    }
    expect(parse(body)).toEqual({ ok: true, customId: 'line-7', body })
  })

  it('keeps a field named __proto__ a field', () => {
    const parsed = parse('{"model":"m","messages":[{"role":"user"}],"__proto__":{"polluted":true}}')
    expect(parsed.ok && JSON.stringify(parsed.body)).toContain('"__proto__":{"polluted":true}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('custom_id', () => {
  it('is line-N when there is none', () => {
    expect(parse({ model: 'm', messages })).toMatchObject({ ok: true, customId: 'line-7' })
    expect(parse({ custom_id: null, model: 'm', messages })).toMatchObject({ ok: true, customId: 'line-7' })
  })

  it('may have 512 characters and no more', () => {
    expect(parse({ custom_id: 'x'.repeat(512), model: 'm', messages })).toMatchObject({ ok: true })
    expect(problem({ custom_id: 'x'.repeat(513), model: 'm', messages })).toMatchObject({
      code: 'invalid_custom_id',
      param: 'custom_id',
      customId: null,
    })
  })

  it.each([[5], [''], [true], [{}], [['a']], ['\ud800']])('is refused as %j', (customId) => {
    expect(problem({ custom_id: customId, model: 'm', messages }).code).toBe('invalid_custom_id')
  })

  it('is kept when the line is rejected for something else', () => {
    expect(problem({ custom_id: 'a', model: 'm' })).toMatchObject({ customId: 'a', code: 'invalid_request' })
    expect(problem({ model: 'm' })).toMatchObject({ customId: 'line-7' })
  })
})

describe('model', () => {
  it('is filled in where the line has none', () => {
    for (const body of [{ messages }, { model: null, messages }]) {
      expect(parse(body, 'm')).toMatchObject({ ok: true, body: { model: 'm' } })
      expect(parse(batchLine({ body }), 'm')).toMatchObject({ ok: true, body: { model: 'm' } })
    }
  })

  it('of the line is never overridden', () => {
    expect(parse({ model: 'mine', messages }, 'm')).toMatchObject({ ok: true, body: { model: 'mine' } })
    expect(problem({ model: 7, messages }, 'm')).toMatchObject({ code: 'invalid_request', param: 'model' })
    expect(problem({ model: '', messages }, 'm')).toMatchObject({ code: 'invalid_request', param: 'model' })
  })

  it('is asked for, with the option that gives it', () => {
    expect(problem({ prompt: 'x' })).toMatchObject({ code: 'missing_model', param: 'model' })
    expect(problem({ prompt: 'x' }).message).toContain('--model')
    expect(problem(batchLine({ body: { messages } }))).toMatchObject({ param: 'body.model' })
  })
})

describe('what can not be sent', () => {
  it.each([
    ['a JSON string', '"hello"', 'invalid_request', null],
    ['a JSON array', [1], 'invalid_request', null],
    ['null', 'null', 'invalid_request', null],
    ['no messages at all', { model: 'm' }, 'invalid_request', 'messages'],
    ['null messages', { model: 'm', messages: null }, 'invalid_request', 'messages'],
    ['messages of another type', { model: 'm', messages: 'hi' }, 'invalid_request', 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'invalid_request', 'messages'],
    ['a message that is a string', { model: 'm', messages: ['hi'] }, 'invalid_request', 'messages[0]'],
    [
      'a message without a role',
      { model: 'm', messages: [{ role: 'user' }, {}] },
      'invalid_request',
      'messages[1].role',
    ],
    ['a prompt that is no string', { model: 'm', prompt: ['a'] }, 'invalid_request', 'prompt'],
    ['streaming', { model: 'm', messages, stream: true }, 'stream_not_supported', 'stream'],
    ['a body that is a string', batchLine({ body: '{}' }), 'invalid_request', 'body'],
    ['no body', { custom_id: 'a', method: 'POST', url: '/v1/chat/completions' }, 'invalid_request', 'body'],
    ['a body without messages', batchLine({ body: { model: 'm' } }), 'invalid_request', 'body.messages'],
    [
      'a bad message in a body',
      batchLine({ body: { model: 'm', messages: [{}] } }),
      'invalid_request',
      'body.messages[0].role',
    ],
    [
      'streaming in a body',
      batchLine({ body: { model: 'm', messages, stream: true } }),
      'stream_not_supported',
      'body.stream',
    ],
    ['another endpoint', batchLine({ url: '/v1/embeddings' }), 'url_mismatch', 'url'],
    ['a url that is no string', batchLine({ url: 5 }), 'url_mismatch', 'url'],
    ['another method', batchLine({ method: 'GET' }), 'method_mismatch', 'method'],
  ])('%s', (_name, value, code, param) => {
    expect(problem(value)).toMatchObject({ code, param })
  })

  it('nesting too deep to be written again', () => {
    const nested = (levels: number) =>
      `{"model":"m","messages":[{"role":"user"}],"x":${'['.repeat(levels)}${']'.repeat(levels)}}`
    const deepest = parse(nested(900))
    expect(deepest.ok && JSON.stringify(deepest.body)).toContain('['.repeat(900))
    expect(problem(nested(100_000)).code).toBe('invalid_request')
  })
})

describe('a line that is not JSON', () => {
  it.each([
    ["{'model': 'm'}", 'column 2'],
    ['{"model": "m"', 'column 14'],
    ['{"model": "m"} x', 'column 16'],
    ['{"model": None}', 'column 11'],
    ['{"model": "a None", "seed": NaN}', 'column 29'],
    ['{"seed": 1e5, "logprobs": True}', 'column 27'],
    ['{"a": "quoted \\" None", "b": undefined}', 'column 30'],
    ['hello', 'begin with {'],
    ['{"a":}', 'not valid JSON'],
  ])('%s: says %s', (text, where) => {
    expect(problem(text)).toMatchObject({ code: 'invalid_json_line', customId: null, param: null })
    expect(problem(text).message).toContain(where)
  })
})

describe('for any line', () => {
  const json = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          custom_id: fc.option(fc.string(), { nil: null }),
          method: fc.constantFrom('POST', 'GET'),
          url: fc.constantFrom('/v1/chat/completions', '/x'),
          model: fc.oneof(fc.string(), fc.jsonValue()),
          messages: fc.oneof(
            fc.array(fc.record({ role: fc.string(), content: fc.jsonValue() })),
            fc.jsonValue(),
          ),
          prompt: fc.oneof(fc.string(), fc.jsonValue()),
          stream: fc.boolean(),
          body: fc.oneof(fc.record({ model: fc.string(), messages: fc.jsonValue() }), fc.jsonValue()),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  )

  it('gives a request that can be sent, or a known problem, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), json), fc.option(fc.constant('m'), { nil: null }), (text, model) => {
        const parsed = parseRequestLine(text, { line: 3, model })
        if (parsed.ok) {
          expect(parsed.customId.length).toBeGreaterThan(0)
          expect(typeof parsed.body.model).toBe('string')
          expect(Array.isArray(parsed.body.messages)).toBe(true)
          expect(parsed.body.stream).not.toBe(true)
        } else {
          expect(LINE_PROBLEM_CODES).toContain(parsed.problem.code)
          expect(parsed.problem.line).toBe(3)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('never quotes it', () => {
    const secret = 'zqxsecretzqx'
    const around = fc.string({ maxLength: 12 })
    const broken = fc.tuple(around, around).map(([before, after]) => `${before}${secret}${after}`)
    const wrong = fc.constantFrom('custom_id', 'method', 'url', 'body', 'model', 'messages', 'prompt')
    const wrongField = fc
      .tuple(wrong, fc.constantFrom(secret, [secret], { [secret]: secret }))
      .map(([key, value]) => {
        return JSON.stringify({ ...batchLine({}), [key]: value })
      })
    const inJson = broken.map((text) => `{"messages":[{"role":"user","content":"${text}`)
    fc.assert(
      fc.property(fc.oneof(broken, inJson, wrongField), (text) => {
        const parsed = parseRequestLine(text, { line: 1, model: null })
        if (!parsed.ok) expect(JSON.stringify(parsed.problem)).not.toContain(secret)
      }),
      { numRuns: 500 },
    )
  })
})
