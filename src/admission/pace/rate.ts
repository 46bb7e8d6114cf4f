import { GROWTH, SEARCH_GROWTH } from './constants.js'
import type { PaceState } from './state.js'

/** Calls per second now: the base rate, grown for as long as calls waited for it. */
export function rateOf({ base, age, searching, patience }: PaceState): number {
  if (searching === 1) return base * Math.exp(SEARCH_GROWTH * age)
  // At a few calls a minute nothing is learned in seconds.
  const unit = Math.max(patience, Math.min(45, 45 / base))
  return base * Math.exp(GROWTH * (2 ** Math.min(12, age / unit) - 1))
}
