import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRetryAfterMs } from '../../src/conduit/retry-after.js'

const NOW = Date.UTC(2026, 2, 9, 12, 0, 0)
const DAY_MS = 86_400_000

describe('parseRetryAfterMs', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['30', 30_000],
    [' 30 ', 30_000],
    ['007', 7000],
    ['+5', 5000],
    ['1.5', 1500],
    ['0.0001', 1],
    ['-5', 0],
    ['-0', 0],
  ])('reads %j as seconds', (header, expected) => {
    expect(parseRetryAfterMs(header, NOW)).toBe(expected)
  })

  it.each([
    ['Mon, 09 Mar 2026 12:01:30 GMT', 90_000],
    ['Monday, 09-Mar-26 12:01:30 GMT', 90_000],
    ['Mon Mar  9 12:01:30 2026', 90_000],
    ['Tue, 10 Mar 2026 00:00:00 GMT', 43_200_000],
    ['Mon, 09 Mar 2026 11:59:59 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Sun Nov  6 08:49:37 1994', 0],
  ])('reads %j as a date', (header, expected) => {
    expect(parseRetryAfterMs(header, NOW)).toBe(expected)
  })

  it('rounds up, so that nothing goes out a fraction of a millisecond early', () => {
    expect(parseRetryAfterMs('Mon, 09 Mar 2026 12:00:01 GMT', NOW + 0.25)).toBe(1000)
  })

  it('takes a two-digit year more than 50 years ahead for the century before', () => {
    expect(parseRetryAfterMs('Monday, 09-Mar-77 12:00:00 GMT', NOW)).toBe(0)
    expect(parseRetryAfterMs('Monday, 09-Mar-27 12:00:00 GMT', NOW)).toBe(31 * DAY_MS)
  })

  it.each(['999999999999999999999', '2678401', 'Mon, 09 Mar 2099 12:00:00 GMT'])(
    'bounds %j to 31 days',
    (header) => {
      expect(parseRetryAfterMs(header, NOW)).toBe(31 * DAY_MS)
    },
  )

  it.each([
    null,
    '',
    ' ',
    'soon',
    'NaN',
    'Infinity',
    '1e3',
    '0x10',
    '--5',
    '5s',
    '5, 10',
    '.5',
    'bananas 5',
    '2026-03-09T12:01:30Z',
    'Mon, 09 Foo 2026 12:01:30 GMT',
    'Mon, 32 Mar 2026 12:01:30 GMT',
    'Mon, 00 Mar 2026 12:01:30 GMT',
    'Mon, 09 Mar 2026 24:01:30 GMT',
    'Mon, 09 Mar 2026 12:60:30 GMT',
    'Mon, 09 Mar 2026 12:01:61 GMT',
    'Mon, 09 Mar 2026 12:01:30 PST',
    'Mon, 9 Mar 2026 12:01:30 GMT',
  ])('gives null for %j', (header) => {
    expect(parseRetryAfterMs(header, NOW)).toBeNull()
  })

  it('never gives NaN, a negative or an endless wait', () => {
    const dateLike = fc
      .tuple(fc.nat(40), fc.constantFrom('Jan', 'Mar', 'Foo'), fc.nat(9999), fc.nat(99), fc.nat(99))
      .map(([d, m, y, h, s]) => {
        const two = (n: number) => String(n).padStart(2, '0')
        return `Mon, ${two(d)} ${m} ${String(y).padStart(4, '0')} ${two(h)}:${two(s)}:${two(s)} GMT`
      })
    const header = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      dateLike,
      fc.constant(null),
    )
    fc.assert(
      fc.property(header, fc.oneof(fc.integer(), fc.double()), (text, nowMs) => {
        const ms = parseRetryAfterMs(text, nowMs)
        if (ms !== null) {
          expect(ms).toBeGreaterThanOrEqual(0)
          expect(ms).toBeLessThanOrEqual(31 * DAY_MS)
          expect(Number.isInteger(ms)).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('gives back any whole number of seconds up to a month', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 * 86_400 }), (seconds) => {
        expect(parseRetryAfterMs(String(seconds), NOW)).toBe(seconds * 1000)
      }),
    )
  })

  it('gives back any date of the next month', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 31 * 86_400 }), (seconds) => {
        expect(parseRetryAfterMs(new Date(NOW + seconds * 1000).toUTCString(), NOW)).toBe(seconds * 1000)
      }),
    )
  })
})
