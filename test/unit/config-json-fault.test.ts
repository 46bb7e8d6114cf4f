import fc from 'fast-check'
import { expect, it } from 'vitest'
import { findJsonFault } from '../../src/config/json-fault.js'

const place = (text: string) => {
  const fault = findJsonFault(text)
  return fault && `${fault.line}:${fault.column} ${fault.what}`
}

it.each([
  ['{\n  "a": 1,\n}', '3:1 no comma may stand before this "}"'],
  ['[1,\n2,]', '2:3 no comma may stand before this "]"'],
  ['{"a": 1 // first\n}', '1:9 JSON has no comments'],
  ["{'a': 1}", "1:2 texts stand in double quotes, not in '"],
  ['{a: 1}', '1:2 expected a name in double quotes or "}" here'],
  ['{"a" 1}', '1:6 expected ":" here'],
  ['{"a": 1\n "b": 2}', '2:2 expected "," or "}" here'],
  ['{"a": None}', '1:7 expected a value here'],
  ['{"a": 01}', '1:7 expected a value here'],
  [
    '{"a": "x\n"}',
    '1:7 a text begins here that does not end on its line, or has a "\\" that should be "\\\\"',
  ],
  [
    '{"a": "C:\\dir"}',
    '1:7 a text begins here that does not end on its line, or has a "\\" that should be "\\\\"',
  ],
  ['{"a": {"b": 1}', '1:15 the file ends, and "," or "}" is missing'],
  ['', '1:1 the file ends, and a value is missing'],
  ['{} {}', '1:4 expected nothing more here'],
  ['{"a": 1, "b": {"a": 1}, "\\u0061": 2}', '1:25 this name stands here for the second time'],
])('%j: %s', (text, what) => {
  expect(place(text)).toBe(what)
})

it('finds a fault where JSON.parse does, and nowhere else', () => {
  // Text that was JSON, with something put in the place of a part of it.
  const spoilt = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom('', ',', '}', ']', '{', '"', '\\', '-', '1', '.', 'e', ' ', '\t'),
    )
    .map(([json, at, length, put]) => {
      const start = at % (json.length + 1)
      return json.slice(0, start) + put + json.slice(start + length)
    })
  fc.assert(
    fc.property(spoilt, (text) => {
      const fault = findJsonFault(text)
      if (fault?.what.includes('second time')) return
      expect(fault === null).toBe(parses(text))
    }),
    { numRuns: 500 },
  )
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
