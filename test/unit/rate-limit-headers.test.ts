import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRateLimit, type ResponseHeaders } from '../../src/conduit/rate-limit-headers.js'

const NOW = Date.UTC(2026, 2, 9, 12)
const limitOf = (headers: ResponseHeaders) => parseRateLimit(headers, NOW)

describe('the limit that headers tell', () => {
  it('is nothing where there are none, or only those of tokens', () => {
    expect(limitOf({ 'content-type': 'application/json', 'retry-after': '3' })).toBeNull()
    expect(limitOf({ 'x-ratelimit-limit-tokens': '90000', 'x-ratelimit-reset-tokens': '6m0s' })).toBeNull()
  })

  it('is read from the headers of OpenAI before all others', () => {
    const headers = {
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-remaining-requests': '599',
      'x-ratelimit-reset-requests': '100ms',
      'x-ratelimit-limit-tokens': '90000',
      'x-ratelimit-limit': '5',
    }
    expect(limitOf(headers)).toEqual({ requestsPerMinute: 600, remaining: 599, resetInMs: 100 })
  })

  it.each(['x-ratelimit', 'ratelimit'])('is read from the headers %s-…', (prefix) => {
    const headers = { [`${prefix}-limit`]: ' 60 ', [`${prefix}-remaining`]: '0', [`${prefix}-reset`]: '12' }
    expect(limitOf(headers)).toEqual({ requestsPerMinute: 60, remaining: 0, resetInMs: 12_000 })
  })

  it.each([
    ['100;w=60', 100],
    ['100;window=60', 100],
    ['10; w=1', 600],
    ['5000;comment="an hour";w=3600', 5000 / 60],
    ['"default";q=100;w=30', 200],
    ['"default";q=100;qu="requests"', 100],
    ['90.5', 90.5],
  ])('%s is counted in minutes', (text, requestsPerMinute) => {
    const limit = { requestsPerMinute, remaining: null, resetInMs: null }
    expect(limitOf({ 'ratelimit-limit': text })).toEqual(limit)
    expect(limitOf({ 'ratelimit-policy': text })).toEqual(limit)
  })

  it('has the window of the policy where it names none', () => {
    const policy = { 'ratelimit-policy': '50;w=10' }
    expect(limitOf({ 'ratelimit-limit': '50', ...policy })?.requestsPerMinute).toBe(300)
    expect(limitOf({ 'x-ratelimit-limit': '50', ...policy })?.requestsPerMinute).toBe(50)
  })

  it.each([
    '0',
    '-5',
    '',
    'NaN',
    'Infinity',
    '1e3',
    'many',
    '10000001',
    '9'.repeat(400),
    '100, 200',
    '100, 100;w=60',
    '100;w=0',
    '100;w=x',
    '100;w=86400',
    '1000000;w=1',
    '"bytes";q=1000;qu="content-bytes";w=60',
    ['100', '100'],
  ])('is nothing when it is %j', (limit) => {
    for (const name of [
      'x-ratelimit-limit-requests',
      'x-ratelimit-limit',
      'ratelimit-limit',
      'ratelimit-policy',
    ]) {
      expect(limitOf({ [name]: limit })).toBeNull()
    }
  })

  it('is taken from the next header that can be believed', () => {
    const headers = { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-limit': '60' }
    expect(limitOf(headers)?.requestsPerMinute).toBe(60)
  })
})

describe('the reset', () => {
  const resetOf = (reset: string) =>
    limitOf({ 'x-ratelimit-limit': '60;w=3600', 'x-ratelimit-reset': reset })?.resetInMs

  it.each([
    ['20ms', 20],
    ['1s', 1000],
    ['0s', 0],
    ['59.56s', 59_560],
    ['0.5ms', 1],
    ['6m0s', 360_000],
    ['12m', 720_000],
    ['1h2m', null],
    ['12', 12_000],
    ['0.25', 250],
    [String(NOW / 1000 + 30), 30_000],
    [String(NOW + 1500), 1500],
    [String(NOW / 1000 - 30), 0],
    ['2026-03-09T12:00:30Z', 30_000],
    ['2026-03-09T13:00:30.5+01:00', 30_500],
    ['Mon, 09 Mar 2026 12:00:30 GMT', 30_000],
    ['2026-03-09T25:00:30Z', null],
    ['1s2m', null],
    ['soon', null],
    ['-1', null],
    ['', null],
    ['99999999999999999', null],
  ])('%j is %j ms', (text, expected) => {
    expect(resetOf(text)).toBe(expected)
  })

  it.each(['2m', '1h2m', '1d', '66', String(NOW + 600_000)])(
    'tells, when it is %s away, that a limit without a window is none per minute',
    (reset) => {
      expect(limitOf({ 'x-ratelimit-limit': '60', 'x-ratelimit-reset': reset })).toBeNull()
    },
  )
})

it.each([
  ['7', 7],
  ['76;w=60', 76],
  ['101', null],
  ['-1', null],
  ['some', null],
])('of requests that remain, %j are %j', (text, remaining) => {
  expect(limitOf({ 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': text })?.remaining).toBe(remaining)
})

it('is a limit that can be kept, or nothing, whatever the headers are', () => {
  const number = fc.oneof(fc.nat(), fc.double(), fc.bigInt()).map(String)
  const piece = fc.oneof(
    number,
    fc.string({ maxLength: 8 }),
    fc.constantFrom(';w=', ';q=', ',', '"', 's', 'm', 'ms', 'h', '-', '.', '2026-03-09T12:00:30Z'),
  )
  const text = fc.oneof(
    number,
    fc.array(piece, { maxLength: 5 }).map((all) => all.join('')),
  )
  const header = fc.option(fc.oneof(text, fc.array(text, { maxLength: 2 })), { nil: undefined })
  const headers = fc.record({
    'x-ratelimit-limit-requests': header,
    'x-ratelimit-limit': header,
    'x-ratelimit-remaining': header,
    'x-ratelimit-reset': header,
    'ratelimit-limit': header,
    'ratelimit-policy': header,
    'ratelimit-reset': header,
  })
  fc.assert(
    fc.property(headers, fc.integer({ min: 0, max: 1e13 }), (given, nowMs) => {
      const limit = parseRateLimit(given, nowMs)
      if (limit === null) return
      expect(limit.requestsPerMinute).toBeGreaterThan(0)
      expect(limit.requestsPerMinute).toBeLessThanOrEqual(10_000_000)
      if (limit.remaining !== null) expect(limit.remaining).toBeGreaterThanOrEqual(0)
      if (limit.resetInMs === null) return
      expect(Number.isSafeInteger(limit.resetInMs)).toBe(true)
      expect(limit.resetInMs).toBeGreaterThanOrEqual(0)
      expect(limit.resetInMs).toBeLessThanOrEqual(3_605_000)
    }),
    { numRuns: 1000 },
  )
})
