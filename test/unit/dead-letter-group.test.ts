import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  groupOf,
  otherGroup,
  outline,
  readGroup,
  writeGroup,
} from '../../src/completions/dead-letters/group.js'
import { refused } from '../support/endings.js'

const { letter: LETTER } = refused({ batch: 'b0123456789ab', index: 0, generation: 0 })

const withFailure = (failure: Partial<typeof LETTER.failure>, code = LETTER.code) => ({
  ...LETTER,
  code,
  failure: { ...LETTER.failure, ...failure },
})
const saying = (message: string) => groupOf(withFailure({ message }))
const naming = (fields: unknown) => groupOf(withFailure({ envelope: { details: { fields } } }))

describe('dead letters are of one group', () => {
  it.each([
    ['max_tokens must be at most 4096', 'max_tokens must be at most 128000'],
    ['The model "gpt-9" does not exist', "The model 'claude 3.5 it’s' does not exist"],
    ['Failed (req_8f3a2b)', 'Failed (req_000001)'],
    ['See 3f2504e0-4f89-41d3-9a0c-0305e82c3301.', 'See 9B2504E0-4F89-41D3-9A0C-0305E82C33FF.'],
    ['no answer after 0.1 s', 'no answer after 30 s'],
    ['at 2026-03-09T12:00:01Z it broke', 'at 2026-03-09T12:00:59Z it broke'],
    ['trace deadbeef01 ended', 'trace 0123456789abcdef ended'],
  ])('when %j and %j differ only in numbers, ids and quotes', (one, other) => {
    expect(saying(one)).toEqual(saying(other))
  })

  it('when the same fields are at fault, in any order and with any message', () => {
    const group = naming({ temperature: 'too high', model: 'unknown' })
    expect(group.fields).toEqual(['model', 'temperature'])
    expect(naming({ model: 'x', temperature: 'y' })).toEqual(group)
  })

  it('when a field names an element of an array', () => {
    expect(naming({ 'messages[0].content': '' })).toEqual(naming({ 'messages[17].content': '' }))
  })
})

describe('dead letters are of different groups', () => {
  it.each([
    ["It can't be read", "It won't be read"],
    ["It can't be read, and it won't be", "It can't be seen, and it won't be"],
    ['facade', 'decade'],
    ['The model "a" is gone', 'The model "a" is busy'],
  ])('when they say different things: %j, %j', (one, other) => {
    expect(saying(one).id).not.toBe(saying(other).id)
  })

  it('when code or fields differ', () => {
    const ids = [
      groupOf(LETTER),
      groupOf(withFailure({}, 'retries_exhausted')),
      naming({ model: 'x' }),
      naming({ temperature: 'x' }),
      otherGroup(LETTER.code),
    ].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('a group', () => {
  it('is bounded, whatever Conduit said', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 600, unit: 'binary' }),
        fc.oneof(fc.jsonValue(), fc.dictionary(fc.string({ maxLength: 300 }), fc.string(), { maxKeys: 40 })),
        (message, fields) => {
          const group = groupOf(withFailure({ message, envelope: { details: { fields } } }))
          expect(group.id).toMatch(/^[0-9a-f]{16}$/)
          expect(group.message.length).toBeLessThanOrEqual(200)
          expect(group.message.isWellFormed()).toBe(true)
          expect(group.fields.length).toBeLessThanOrEqual(20)
          expect(group.fields.every((field) => field.length <= 100)).toBe(true)
          const { id: _, ...rest } = group
          expect(readGroup(writeGroup(group))).toEqual(rest)
        },
      ),
    )
  })

  it('names no digits: what varies is left out', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (message) => {
        expect(outline(message)).not.toMatch(/\d/)
      }),
    )
  })
})
