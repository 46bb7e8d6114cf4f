const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Stands where a number is not known (yet). */
export const UNKNOWN = '–'

const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
/** What is learned wavers; in the third digit it would only twitch. */
const learned = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 })
const oneDecimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A whole number with thousands separators: `12,345`. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? counts.format(count) : UNKNOWN
}

/** A number with its noun: `1 retry`, `2,000 retries`. */
export function formatCounted(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** The share that is done, rounded down, so that `100%` means all of it; the whole of nothing is `100%`. */
export function formatPercent(done: number, total: number): string {
  if (total <= 0) return '100%'
  return `${Math.max(0, Math.min(100, Math.floor((done / total) * 100)))}%`
}

/** A duration in ms, rounded down, in at most two units: `38 s`, `4 min 05 s`, `1 h 04 min`, `2 d 03 h`. */
export function formatDuration(durationMs: number): string {
  if (!Number.isFinite(durationMs)) return UNKNOWN
  if (durationMs < SECOND_MS) return 'under 1 s'
  if (durationMs < MINUTE_MS) return `${Math.floor(durationMs / SECOND_MS)} s`
  if (durationMs < HOUR_MS) return twoUnits(durationMs, MINUTE_MS, 'min', SECOND_MS, 's')
  if (durationMs < DAY_MS) return twoUnits(durationMs, HOUR_MS, 'h', MINUTE_MS, 'min')
  return twoUnits(durationMs, DAY_MS, 'd', HOUR_MS, 'h')
}

function twoUnits(durationMs: number, largeMs: number, large: string, smallMs: number, small: string) {
  const rest = Math.floor((durationMs % largeMs) / smallMs)
  return `${formatCount(Math.floor(durationMs / largeMs))} ${large} ${String(rest).padStart(2, '0')} ${small}`
}

/** An estimate in ms, rounded up to what it is worth, so that it doesn't twitch: `8 s`, `2 min 10 s`, `25 min`. */
export function formatEstimate(estimateMs: number): string {
  if (!Number.isFinite(estimateMs)) return UNKNOWN
  const stepMs = estimateMs < MINUTE_MS ? SECOND_MS : estimateMs < 10 * MINUTE_MS ? 10 * SECOND_MS : MINUTE_MS
  const roundedMs = Math.max(SECOND_MS, Math.ceil(estimateMs / stepMs) * stepMs)
  if (roundedMs >= 10 * MINUTE_MS && roundedMs < HOUR_MS) return `${roundedMs / MINUTE_MS} min`
  return formatDuration(roundedMs)
}

/** A rate per second, or per minute when it is slow: `1,204/s`, `4.2/s`, `3/min`; unknown when null. */
export function formatRate(ratePerSecond: number | null): string {
  if (ratePerSecond === null || !Number.isFinite(ratePerSecond)) return `${UNKNOWN}/s`
  if (ratePerSecond > 0 && ratePerSecond < 0.1) return `${oneDecimal.format(ratePerSecond * 60)}/min`
  return `${(ratePerSecond < 10 ? oneDecimal : counts).format(ratePerSecond)}/s`
}

/** A limit in requests per minute, to two digits: `6,000/min`, `45/min`. */
export function formatPerMinute(perMinute: number): string {
  return `${Number.isFinite(perMinute) ? learned.format(perMinute) : UNKNOWN}/min`
}

/** A share between 0 and 1: `0.4%`, `12%`, `under 0.1%`. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return `${UNKNOWN}%`
  if (share > 0 && share < 0.001) return 'under 0.1%'
  return `${(share < 0.1 ? oneDecimal : counts).format(share * 100)}%`
}

/** A number of bytes in decimal units: `512 B`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return UNKNOWN
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${oneDecimal.format(value)} ${units[unit]}`
}

/** A moment in local time as seen from `nowMs`: `14:02:11` on the same day, else `8 Mar, 14:02`. Unix ms. */
export function formatMoment(momentMs: number, nowMs: number): string {
  const moment = new Date(momentMs)
  if (Number.isNaN(moment.getTime())) return UNKNOWN
  const clock = `${twoDigits(moment.getHours())}:${twoDigits(moment.getMinutes())}`
  const now = new Date(nowMs)
  if (moment.toDateString() === now.toDateString()) return `${clock}:${twoDigits(moment.getSeconds())}`
  const year = moment.getFullYear() === now.getFullYear() ? '' : ` ${moment.getFullYear()}`
  return `${moment.getDate()} ${months[moment.getMonth()]}${year}, ${clock}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
