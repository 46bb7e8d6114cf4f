const MAX_MS = 31 * 24 * 3_600_000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const SECONDS = /^([+-]?)(\d+(?:\.\d+)?)$/
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (?<d>\d\d) (?<m>[A-Z][a-z]{2}) (?<y>\d{4}) (?<t>\d\d:\d\d:\d\d) GMT$/
const RFC_850 = /^[A-Z][a-z]{5,8}, (?<d>\d\d)-(?<m>[A-Z][a-z]{2})-(?<y>\d\d) (?<t>\d\d:\d\d:\d\d) GMT$/
const ASCTIME = /^[A-Z][a-z]{2} (?<m>[A-Z][a-z]{2}) (?<d>[ \d]\d) (?<t>\d\d:\d\d:\d\d) (?<y>\d{4})$/

/**
 * How long `Retry-After` asks to wait, in milliseconds from `nowMs`: seconds, or a date in any of the three forms of
 * RFC 9110 §5.6.7. Negative seconds and dates that have passed give 0; more than 31 days gives 31 days (no limit of
 * Conduit's is longer than a month). Gives null when the header is absent or is neither.
 */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null
  const text = header.trim()
  const seconds = SECONDS.exec(text)
  const ms = seconds === null ? httpDateMs(text, nowMs) - nowMs : secondsToMs(seconds)
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, Math.ceil(ms)), MAX_MS)
}

function secondsToMs(match: RegExpExecArray): number {
  return match[1] === '-' ? 0 : Number(match[2]) * 1000
}

/**
 * Unix milliseconds of a date in any of HTTP's three forms; NaN when it is none. `Date.parse` is not asked: it reads
 * "bananas 5" as a date.
 *
 * @param nowMs what a year of two digits is judged by
 */
export function httpDateMs(text: string, nowMs: number): number {
  const parts = (IMF_FIXDATE.exec(text) ?? RFC_850.exec(text) ?? ASCTIME.exec(text))?.groups
  if (parts === undefined) return Number.NaN
  const month = MONTHS.indexOf(parts.m ?? '')
  const day = Number(parts.d)
  const [hour = 0, minute = 0, second = 0] = (parts.t ?? '').split(':').map(Number)
  if (month < 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return Number.NaN
  return Date.UTC(fullYear(parts.y ?? '', nowMs), month, day, hour, minute, second)
}

/** RFC 9110: a year of two digits that would be more than 50 years ahead means the one a century before. */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits)
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + Number(digits)
  return year > thisYear + 50 ? year - 100 : year
}
