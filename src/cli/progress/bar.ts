import { formatCount, formatPercent } from '../text/format.js'
import type { Canvas } from '../text/layout.js'
import type { Tone } from '../text/paint.js'
import { truncate } from '../text/width.js'

const FULL = '━'
const HALF = '╸'
const EMPTY = '─'
const MARGIN_COLUMNS = 2
const SHORTEST_BAR_COLUMNS = 8

/** A bar with `done of total` and the percentage beside it, in one line; without the bar where it is too narrow. */
export function progressBar(done: number, total: number, tone: Tone, { columns, paint }: Canvas): string {
  const label = barLabel(done, total)
  const width = columns - 2 * MARGIN_COLUMNS - label.length
  if (width < SHORTEST_BAR_COLUMNS) return truncate(`  ${label.trimStart()}`, columns)
  const halves = total <= 0 ? width * 2 : Math.floor((Math.min(done, total) / total) * width * 2)
  const filled = FULL.repeat(Math.floor(halves / 2)) + (halves % 2 === 1 ? HALF : '')
  const rest = EMPTY.repeat(width - filled.length)
  return `  ${paint(tone, filled)}${paint('faint', rest)}  ${paint('strong', label)}`
}

/** As wide at the start as at the end, so that the bar keeps its length. */
function barLabel(done: number, total: number): string {
  const all = formatCount(total)
  return `${formatCount(done).padStart(all.length)} of ${all}  ${formatPercent(done, total).padStart(4)}`
}
