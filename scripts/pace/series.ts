import type { TimelineSeries } from '../../src/simulator/timeline.js'

export type SeriesName = 'arrived' | 'completed' | 'refused' | 'failed'

/** How many of a kind there were in the spans that start between `fromMs` and `toMs` (Unix milliseconds). */
export function countBetween(
  series: TimelineSeries,
  name: SeriesName,
  fromMs: number,
  toMs = Number.POSITIVE_INFINITY,
): number {
  let count = 0
  for (const [index, value] of series[name].entries()) {
    const atMs = series.startMs + index * series.bucketMs
    if (atMs >= fromMs && atMs < toMs) count += value
  }
  return count
}

/** When the `count`-th of a kind had come (the end of its span, Unix milliseconds); null: never. */
export function timeOfCount(series: TimelineSeries, name: SeriesName, count: number): number | null {
  let sum = 0
  for (const [index, value] of series[name].entries()) {
    sum += value
    if (sum >= count) return series.startMs + (index + 1) * series.bucketMs
  }
  return null
}

/** When so many were in flight at once (the end of that span, Unix milliseconds); null: never. */
export function timeOfInFlight(series: TimelineSeries, inFlight: number): number | null {
  const index = series.inFlight.findIndex((value) => value >= inFlight)
  return index === -1 ? null : series.startMs + (index + 1) * series.bucketMs
}

/**
 * How long after `fromMs` so many answers a second came again for a whole `spanMs`; null: never. The time is that of
 * the span's beginning.
 */
export function msUntilRate(
  series: TimelineSeries,
  fromMs: number,
  perSecond: number,
  spanMs: number,
): number | null {
  const first = Math.max(0, Math.ceil((fromMs - series.startMs) / series.bucketMs))
  const length = Math.ceil(spanMs / series.bucketMs)
  const needed = (perSecond * length * series.bucketMs) / 1000
  for (let start = first; start + length <= series.completed.length; start += 1) {
    const sum = series.completed.slice(start, start + length).reduce((a, b) => a + b, 0)
    if (sum >= needed) return series.startMs + start * series.bucketMs - fromMs
  }
  return null
}
