import { httpDateMs } from './retry-after.js'

const NUMBER = /^\d{1,15}(?:\.\d{1,9})?$/
/** OpenAI (Go) writes durations: `20ms`, `1s`, `6m0s`, `1h2m`, `2m59.56s`. */
const DURATION =
  /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1000, 1] as const
const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** A number from here on is no wait but a date: 1e9 s is September 2001, 1e12 ms is the same. */
const UNIX_SECONDS = 1e9
const UNIX_MS = 1e12

/**
 * How long until a rate limit starts anew, in milliseconds from `nowMs`: a duration with units, seconds, Unix seconds
 * or milliseconds, an ISO date or one of HTTP's. A time that has passed gives 0; null when it is none of these.
 */
export function resetInMs(text: string, nowMs: number): number | null {
  const ms = NUMBER.test(text)
    ? fromNumber(Number(text), nowMs)
    : (durationMs(text) ?? dateMs(text, nowMs) - nowMs)
  return Number.isNaN(ms) ? null : Math.max(0, Math.ceil(ms))
}

function fromNumber(value: number, nowMs: number): number {
  if (value >= UNIX_MS) return value - nowMs
  return value >= UNIX_SECONDS ? value * 1000 - nowMs : value * 1000
}

function durationMs(text: string): number | null {
  const parts = text === '' ? null : DURATION.exec(text)
  if (parts === null) return null
  return UNITS_MS.reduce((sum, unitMs, at) => sum + Number(parts[at + 1] ?? 0) * unitMs, 0)
}

function dateMs(text: string, nowMs: number): number {
  return ISO_DATE.test(text) ? Date.parse(text) : httpDateMs(text, nowMs)
}
