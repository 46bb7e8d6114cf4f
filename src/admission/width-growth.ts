import { lower } from './width-lowering.js'
import {
  hopedGain,
  isOver,
  LEAST_STEP,
  type Measure,
  measured,
  type Round,
  roundOf,
  type WidthView,
} from './width-round.js'
import type { WidthSearch, WidthStep } from './width-search.js'

/**
 * Calls that were out when the growth went on before any could be judged. How long they take tells how many answers
 * the width of that time would have brought: what the measures of the greater width are compared with.
 */
export interface EarlyCalls {
  readonly width: number
  readonly count: number
  readonly sinceMs: number
  readonly untilMs: number
  readonly ended: number
  /** All that have ended took together. */
  readonly tookMs: number
}

type Growing = Extract<WidthSearch, { kind: 'growing' }>

const GROWTH = 2.5
/** Above what the answers say is enough, to begin lowering from. */
const MARGIN = 1.1
/** Fewer answers say little. */
const SHORT_ROUND = { ms: 100, answers: 40 }
/**
 * All slots are in use for so long, and less than this share of the calls has ended: nothing can be judged yet, and
 * slow answers are no reason to wait with the growth.
 */
const SILENCE_MS = 500
const SILENCE = 0.2
/** Calls that took longer than this at the last measure are not waited for; quicker ones soon tell. */
const SLOW_SECONDS = 2
/** Of the early calls. */
const LEAST_EARLY = 20
const FREE_STEP_MS = 100

/** Growth from the beginning, but for what is given. */
export function grow(given: Partial<Growing>): Growing {
  return {
    kind: 'growing',
    base: null,
    early: null,
    flat: false,
    free: 0,
    round: null,
    lookedAtMs: Number.NEGATIVE_INFINITY,
    ...given,
  }
}

/** Widens when the last round brought enough, or when nothing can be judged for long. */
export function growStep(search: Growing, round: Round, view: WidthView): WidthStep {
  const { width, totals, nowMs } = view
  const age = nowMs - round.sinceMs
  if (width < search.free) {
    return totals.answered > round.answered && age >= FREE_STEP_MS ? widen(search, view) : { width, search }
  }
  if (isOver(round, view, SHORT_ROUND)) return judge(search, measured(round, view), view)
  const silent = totals.ended - round.ended < SILENCE * (round.begun - round.ended)
  const late = search.base === null || search.base.width / search.base.perSecond > SLOW_SECONDS
  if (!silent || !late || age < SILENCE_MS || width >= view.ceiling) return { width, search }
  return widen({ ...search, early: search.early ?? earlyCalls(round, view) }, view)
}

function earlyCalls({ sinceMs }: Round, { width, totals, nowMs }: WidthView): EarlyCalls {
  return { width, count: totals.begun - totals.ended, sinceMs, untilMs: nowMs, ended: 0, tookMs: 0 }
}

/** Takes in those that have ended. */
export function followEarly(early: EarlyCalls, { ended, nowMs }: WidthView): EarlyCalls {
  const own = ended.filter(({ beganAtMs }) => beganAtMs <= early.untilMs)
  const tookMs = own.reduce((sum, { beganAtMs }) => sum + nowMs - beganAtMs, early.tookMs)
  return { ...early, ended: early.ended + own.length, tookMs }
}

/** Each call in flight ends once in its mean latency; those that are still out count with what they took so far. */
function measuredEarly(early: EarlyCalls, nowMs: number): Measure | null {
  if (early.ended < LEAST_EARLY) return null
  const outMs = Math.max(0, early.count - early.ended) * (nowMs - early.sinceMs)
  return { width: early.width, perSecond: (early.width * early.ended * 1000) / (early.tookMs + outMs) }
}

/** One step up, from what the last round brought. */
function widen(search: Growing, view: WidthView): WidthStep {
  const width = Math.max(view.width, Math.min(view.ceiling, Math.ceil(view.width * GROWTH)))
  return { width, search: { ...search, round: roundOf(view.width, view) } }
}

function judge(search: Growing, measure: Measure, view: WidthView): WidthStep {
  const base = search.base ?? (search.early === null ? null : measuredEarly(search.early, view.nowMs))
  if (base === null) return widen({ ...search, base: measure }, view)
  // The lower one: calls of the growth that went on meanwhile have ended too, the quick ones first.
  if (measure.width <= base.width) {
    return widen({ ...search, base: measure.perSecond < base.perSecond ? measure : base }, view)
  }
  const growth = measure.width / base.width
  if (growth < LEAST_STEP) return widen(search, view)
  const gain = measure.perSecond / base.perSecond
  if (gain >= hopedGain(growth)) {
    // More than in proportion is chance: calls that have just begun, and ended soon, in a burst.
    const proven = { width: measure.width, perSecond: Math.min(measure.perSecond, growth * base.perSecond) }
    return widen({ ...search, base: proven, early: null, flat: false }, view)
  }
  if (!search.flat) {
    return { width: view.width, search: { ...search, base, flat: true, round: roundOf(view.width, view) } }
  }
  return { width: view.width, search: lower(base.width * Math.max(1, gain) * MARGIN, view) }
}
