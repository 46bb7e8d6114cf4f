import { type EarlyCalls, followEarly, grow, growStep } from './width-growth.js'
import { lowerStep, tryAgain, tryStep } from './width-lowering.js'
import { followRound, type Measure, type Round, type WidthView } from './width-round.js'

/**
 * `growing`: more in flight are tried, for as long as they bring more answers. `lowering`: more brought none, so how
 * few bring as many? `resting`: that is known, and not asked again until a time. `trying`: it is asked again.
 */
export type WidthSearch = { readonly round: Round | null; readonly lookedAtMs: number } & (
  | {
      readonly kind: 'growing'
      /** What the next measure has to beat. */
      readonly base: Measure | null
      readonly early: EarlyCalls | null
      /** One round brought no more than the base did; a second one settles it. */
      readonly flat: boolean
      /** Up to here nothing has to be judged: it was in use before failures cut it. */
      readonly free: number
    }
  | {
      readonly kind: 'lowering'
      /** Known to be enough. */
      readonly enough: number
      /** Answers per second that are to be kept; null: not measured yet, nothing is lowered yet. */
      readonly perSecond: number | null
      /** What to begin with. */
      readonly guess: number
      /** Too few were tried, and the way goes up again. */
      readonly rising: boolean
      /** The calls that were begun at the width before have ended. */
      readonly settled: boolean
    }
  | {
      readonly kind: 'trying'
      readonly enough: number
      /** Answers per second that this brings; null: not measured yet. */
      readonly perSecond: number | null
      readonly settled: boolean
      readonly restMs: number
    }
  | { readonly kind: 'resting'; readonly untilMs: number; readonly restMs: number }
)

/** The width to go on with, and what is known by now. */
export interface WidthStep {
  readonly width: number
  readonly search: WidthSearch
}

/** Nothing is known yet. */
export function startSearch(): WidthSearch {
  return grow({ free: 0 })
}

/** Grows again after a cut, up to what was in use before it without a doubt. */
export function regain(search: WidthSearch, before: number): WidthSearch {
  return grow({ free: Math.max(before, search.kind === 'growing' ? search.free : 0) })
}

/** One look: the width to go on with. */
export function searchWidth(search: WidthSearch, view: WidthView): WidthStep {
  const round = followRound(search, view)
  const next = { ...search, round, lookedAtMs: view.nowMs }
  if (next.kind === 'growing' && next.early !== null) next.early = followEarly(next.early, view)
  if (round === null || !view.full) return { width: view.width, search: next }
  switch (next.kind) {
    case 'growing':
      return growStep(next, round, view)
    case 'lowering':
      return lowerStep(next, round, view)
    case 'resting':
      return { width: view.width, search: view.nowMs < next.untilMs ? next : tryAgain(next.restMs, view) }
    case 'trying':
      return tryStep(next, round, view)
  }
}
