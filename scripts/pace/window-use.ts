import type { TimelineSeries } from '../../src/simulator/timeline.js'
import { countBetween, timeOfCount } from './series.js'

export interface WindowLimit {
  readonly kind: 'sliding' | 'fixed'
  readonly requestsPerWindow: number
  readonly windowMs: number
}

/** How well a limit by windows was used. Shares are of 1. */
export interface WindowUse {
  /** Whole windows after the first one that were looked at. */
  readonly windows: number
  /** Admitted calls in them ÷ what the limit allows in them; null without a whole window. */
  readonly used: number | null
  /** Refused calls ÷ calls, from the end of the first window to the end of the batch. */
  readonly refusedAfterFirst: number
  readonly refusedInAll: number
}

/** The last calls of a batch find no work for the whole limit: what comes after this share of it is not looked at. */
const SHARE_BEFORE_THE_END = 0.97

/**
 * The first window is a window's length from the first call. Fixed windows are those of the clock: the first one ends at
 * the first of their borders that leaves it at least half a window, for a shorter one is no time to learn anything.
 */
export function windowUse(series: TimelineSeries, limit: WindowLimit, prompts: number): WindowUse {
  const { windowMs, requestsPerWindow } = limit
  const fromMs = endOfFirstWindow(series.firstCallMs ?? series.startMs, limit)
  const lastMs = timeOfCount(series, 'completed', Math.floor(prompts * SHARE_BEFORE_THE_END)) ?? fromMs
  const windows = Math.max(0, Math.floor((lastMs - fromMs) / windowMs))
  const admitted = countBetween(series, 'completed', fromMs, fromMs + windows * windowMs)
  return {
    windows,
    used: windows === 0 ? null : admitted / (windows * requestsPerWindow),
    refusedAfterFirst: refusedShare(series, fromMs),
    refusedInAll: refusedShare(series, 0),
  }
}

/** Refused calls ÷ calls from a time on (Unix milliseconds). */
export function refusedShare(series: TimelineSeries, fromMs: number, toMs?: number): number {
  const refused = countBetween(series, 'refused', fromMs, toMs)
  return refused / Math.max(1, countBetween(series, 'arrived', fromMs, toMs))
}

function endOfFirstWindow(firstCallMs: number, { kind, windowMs }: WindowLimit): number {
  if (kind === 'sliding') return firstCallMs + windowMs
  return Math.ceil((firstCallMs + windowMs / 2) / windowMs) * windowMs
}
