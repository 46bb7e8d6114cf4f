import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isUnfinishedCode } from '../../completions/unfinished.js'
import { formatCount } from './format.js'
import { oneLine } from './harmless.js'
import { truncate } from './width.js'

const LONGEST_CODE = 48

/**
 * Failures by code, the most frequent first: `VALIDATION_ERROR 12, NOT_FOUND 3`. At most `most` codes, the
 * others in one sum. Without those that only the end of their batch has ended. Empty when there are none.
 */
export function failuresByCode(failedByCode: Readonly<Record<string, number>>, most: number): string {
  const sorted = Object.entries(failedByCode)
    .filter(([code, count]) => count > 0 && !isUnfinishedCode(code))
    .sort(([codeA, a], [codeB, b]) => b - a || (codeA < codeB ? -1 : 1))
  const shown = sorted.slice(0, most).map(([code, count]) => `${shortCode(code)} ${formatCount(count)}`)
  const others = sorted.slice(most).reduce((sum, [, count]) => sum + count, 0)
  return [...shown, ...(others > 0 ? [`others ${formatCount(others)}`] : [])].join(', ')
}

/** Requests that failed, and are dead letters or could never be sent. */
export function deadOf({ failed, unfinished }: BatchSnapshot): number {
  return Math.max(0, failed - unfinished)
}

/** A code comes from outside, so it may hold anything. */
function shortCode(code: string): string {
  return truncate(oneLine(code), LONGEST_CODE) || '(no code)'
}
