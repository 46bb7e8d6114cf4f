import { formatCount } from './format.js'
import { oneLine } from './harmless.js'
import { truncate } from './width.js'

const LONGEST_CODE = 48

/**
 * Failures by code, the most frequent first: `VALIDATION_ERROR 12, NOT_FOUND 3`. At most `most` codes, the
 * others in one sum. Empty when there are none.
 */
export function failuresByCode(failedByCode: Readonly<Record<string, number>>, most: number): string {
  const sorted = Object.entries(failedByCode)
    .filter(([, count]) => count > 0)
    .sort(([codeA, a], [codeB, b]) => b - a || (codeA < codeB ? -1 : 1))
  const shown = sorted.slice(0, most).map(([code, count]) => `${shortCode(code)} ${formatCount(count)}`)
  const others = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0)
  return [...shown, ...(others > 0 ? [`others ${formatCount(others)}`] : [])].join(', ')
}

/** A code comes from outside, so it may hold anything. */
function shortCode(code: string): string {
  return truncate(oneLine(code), LONGEST_CODE) || '(no code)'
}
