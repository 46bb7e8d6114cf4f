const counts = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `1 request`, `12,345 requests`. */
export function requests(count: number): string {
  return `${counts.format(count)} ${count === 1 ? 'request' : 'requests'}`
}

/** An ISO time as people read it, in UTC: `2026-11-23 01:40:02 UTC`. */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}

/** In at most two units, rounded down: `38 s`, `4 min`, `1 h 4 min`, `2 d 3 h`. */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  const [large, largeMs, small, smallMs] =
    ms < DAY_MS ? (['h', HOUR_MS, 'min', MINUTE_MS] as const) : (['d', DAY_MS, 'h', HOUR_MS] as const)
  const rest = Math.floor((ms % largeMs) / smallMs)
  return `${Math.floor(ms / largeMs)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}
