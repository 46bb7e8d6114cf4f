import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applyEdit,
  composeEdits,
  type Edit,
  editSchema,
  InvalidEdit,
  parseSet,
} from '../../src/completions/edit.js'

const BODY = {
  model: 'gpt-4o',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
  ],
  response_format: null,
}
const set = (fields: Record<string, unknown>): Edit => ({ set: fields })

describe('an edit of a body', () => {
  it('sets fields at the top and below, and leaves the rest', () => {
    expect(applyEdit(BODY, set({ model: 'gpt-5', temperature: 0, 'messages.1.content': 'Hi' }))).toEqual({
      ...BODY,
      model: 'gpt-5',
      temperature: 0,
      messages: [BODY.messages[0], { role: 'user', content: 'Hi' }],
    })
  })

  it('makes what is missing on the way, also where a null stands', () => {
    expect(applyEdit(BODY, set({ 'response_format.type': 'json_object', 'a.b.c': 1 }))).toEqual({
      ...BODY,
      response_format: { type: 'json_object' },
      a: { b: { c: 1 } },
    })
  })

  it('adds an element behind the last one of an array', () => {
    const message = { role: 'user', content: 'Now' }
    expect(applyEdit(BODY, set({ 'messages.2': message })).messages).toEqual([...BODY.messages, message])
  })

  it('replaces the body when it is a whole one', () => {
    expect(applyEdit(BODY, { body: { model: 'm' } })).toEqual({ model: 'm' })
  })

  it('leaves the given body as it was', () => {
    const before = structuredClone(BODY)
    applyEdit(BODY, set({ 'messages.0.content': 'x', 'response_format.type': 'y', model: 'z' }))
    expect(BODY).toEqual(before)
  })

  it.each([
    [{ 'messages.3': {} }, /body\.messages has 2 elements/],
    [{ 'messages.2.content': 'x' }, /body\.messages has 2 elements/],
    [{ 'messages.last': {} }, /body\.messages has 2 elements/],
    [{ 'model.name': 'x' }, /body\.model is a string/],
    [{ 'tools.0.type': 'function' }, /body\.tools is not there/],
    [{ stream: true }, /stream/],
  ])('refuses %j: there is no such place', (fields, why) => {
    expect(() => applyEdit(BODY, set(fields))).toThrow(InvalidEdit)
    expect(() => applyEdit(BODY, set(fields))).toThrow(why)
  })

  it('does not depend on the order of its fields', () => {
    const parts: [string, unknown][] = [
      ['a', { x: 1 }],
      ['a.b', 2],
      ['a.b2.c', 3],
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: 3 }), (shuffled) => {
        expect(applyEdit({}, set(Object.fromEntries(shuffled)))).toEqual({ a: { x: 1, b: 2, b2: { c: 3 } } })
      }),
    )
  })
})

describe('two edits one after the other', () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('.'))
  const value = fc.oneof(fc.nat(), fc.dictionary(name, fc.nat(), { maxKeys: 2 }))
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.dictionary(path, value, { minKeys: 1, maxKeys: 3 }).map((fields) => ({ set: fields })),
    fc.dictionary(name, value, { maxKeys: 2 }).map((body) => ({ body })),
  )
  const outcome = (run: () => unknown) => {
    try {
      return { made: run() }
    } catch (error) {
      if (error instanceof InvalidEdit) return 'refused'
      throw error
    }
  }

  it('are one edit that does the same, wherever both can be made', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 3 }), edit, edit, (body, first, second) => {
        const stepwise = outcome(() => applyEdit(applyEdit(body, first), second))
        if (stepwise === 'refused') return
        expect(outcome(() => applyEdit(body, composeEdits(first, second) ?? { body }))).toEqual(stepwise)
      }),
      { numRuns: 500 },
    )
  })

  it('are the one that there is when the other is none', () => {
    const one = set({ model: 'x' })
    expect([composeEdits(null, one), composeEdits(one, null), composeEdits(null, null)]).toEqual([
      one,
      one,
      null,
    ])
  })
})

describe('the schema of an edit', () => {
  it.each([
    {},
    { set: {} },
    { set: { '': 1 } },
    { set: { 'a..b': 1 } },
    { set: { 'a.': 1 } },
    { set: [] },
    { body: null },
    { body: [] },
    { set: { a: 1 }, body: {} },
    { set: { a: undefined } },
    { set: { a: Number.NaN } },
    'model',
    null,
  ])('refuses %j', (edit) => {
    expect(editSchema.safeParse(edit).success).toBe(false)
  })

  it.each([
    '{"set": {"__proto__": {"polluted": true}}}',
    '{"set": {"__proto__.polluted": true}}',
    '{"set": {"a.__proto__.polluted": true}}',
    '{"set": {"a": {"__proto__": {"polluted": true}}}}',
    '{"body": {"__proto__": {"polluted": true}}}',
    '{"body": {"a": [{"__proto__": {"polluted": true}}]}}',
  ])('refuses %s, which would reach for what is not the body’s', (text) => {
    expect(editSchema.safeParse(JSON.parse(text)).success).toBe(false)
  })

  it('refuses what is nested so deep that it could not be written again', () => {
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
    expect(editSchema.safeParse({ set: { a: deep } }).success).toBe(false)
  })

  it('gives what it accepts as it is, and an edit made of it touches no prototype', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue({ maxDepth: 3 }), (path, value) => {
        const read = editSchema.safeParse({ set: { [path]: value } })
        if (!read.success) return
        expect(read.data).toEqual({ set: { [path]: value } })
        try {
          const edited = applyEdit({}, read.data)
          expect(Object.getPrototypeOf(edited)).toBe(Object.prototype)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidEdit)
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
    )
  })
})

describe('a change on the command line', () => {
  it.each([
    ['body.model="gpt-5"', { model: 'gpt-5' }],
    ['body.model=gpt-5', { model: 'gpt-5' }],
    ['body.temperature=0', { temperature: 0 }],
    ['body.stop=null', { stop: null }],
    ['body.messages.0.content=a=b', { 'messages.0.content': 'a=b' }],
    ['body.messages.0.content="two\\nlines"', { 'messages.0.content': 'two\nlines' }],
    [' body.model = "x" ', { model: 'x' }],
    ['body.user=""', { user: '' }],
  ])('reads %s', (text, fields) => {
    expect(parseSet(text)).toEqual({ set: fields })
  })

  it.each([
    '',
    'body',
    'body.model',
    'model=x',
    'body.=x',
    'body.a..b=x',
    'body.__proto__.x=1',
    'body.model=',
  ])('refuses %j, and shows how to write it', (text) => {
    expect(() => parseSet(text)).toThrow(InvalidEdit)
    expect(() => parseSet(text)).toThrow(/write body\./)
  })

  it.each(['body.FIELD=VALUE', 'body.model=MODEL', 'body.FIELD=1'])('%s is only the form', (text) => {
    expect(() => parseSet(text)).toThrow(/put the field and the value in/)
  })

  it('refuses a value that reaches for what is not the body’s', () => {
    expect(() => parseSet('body.a={"__proto__":{"x":1}}')).toThrow(InvalidEdit)
  })

  it('takes any JSON value as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        expect(parseSet(`body.x=${JSON.stringify(value)}`)).toEqual({
          set: { x: JSON.parse(JSON.stringify(value)) },
        })
      }),
    )
  })
})
