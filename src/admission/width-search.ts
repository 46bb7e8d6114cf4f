import type { EndedCall, Totals } from './concurrency.js'

/** Answers per second at a width. */
interface Measure {
  readonly width: number
  readonly perSecond: number
}

/**
 * The time in which as many calls end as were out when it began: one mean latency, whatever that is. What ends in it
 * began, on average, before it; so it measures the width that was in force then.
 */
interface Round {
  readonly width: number
  readonly sinceMs: number
  readonly begun: number
  readonly ended: number
  readonly answered: number
  /** All slots were in use at some time of it. */
  readonly filled: boolean
}

/**
 * Calls that were out when the growth went on before any could be judged. How long they take tells how many answers
 * the width of that time would have brought: what the measures of the greater width are compared with.
 */
interface EarlyCalls {
  readonly width: number
  readonly count: number
  readonly sinceMs: number
  readonly untilMs: number
  readonly ended: number
  /** All that have ended took together. */
  readonly tookMs: number
}

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

type Growing = Extract<WidthSearch, { kind: 'growing' }>
type Trying = Extract<WidthSearch, { kind: 'trying' }>
type Lowering = Extract<WidthSearch, { kind: 'lowering' }>

export interface WidthView {
  readonly width: number
  readonly floor: number
  /** Of the growth. */
  readonly ceiling: number
  /** All slots are in use, and not because the pace holds calls up. */
  readonly full: boolean
  readonly totals: Totals
  readonly ended: readonly EndedCall[]
  readonly nowMs: number
}

export interface WidthStep {
  readonly width: number
  readonly search: WidthSearch
}

const GROWTH = 2
/** Once more was found to be of no use. */
const CAREFUL_GROWTH = 1.5
/** Of the answers that growth would bring to an upstream with room: with fewer, it has none. */
const HOPED = 0.4
/** A step smaller than this (to the ceiling) can't be told from chance. */
const LEAST_STEP = 1.4
const LOWER = 0.75
/** Of the answers per second, to call a lower width enough: half of what `LOWER` costs if it is not. */
const KEPT = 0.9
/** Above what the answers say is enough, to begin lowering from. */
const MARGIN = 1.1
const SETTLED = { ms: 100, answers: 0 }
/** Fewer answers say little. */
const SHORT_ROUND = { ms: 100, answers: 40 }
/** For the smaller differences of lowering. */
const LONG_ROUND = { ms: 1000, answers: 200 }
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
/** Before more is tried again; twice as long each time in vain. */
const REST_MS = 30_000
const LONGEST_REST_MS = 600_000
/** A round that began since the last look began this much earlier at most. */
const LOOK_MS = 50

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

function grow(given: Partial<Growing>): Growing {
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

/** Begun when all slots are in use, given up when they no longer are: then it would measure something else. */
function followRound({ round, lookedAtMs }: WidthSearch, view: WidthView): Round | null {
  if (round === null) {
    const sinceMs = Math.max(lookedAtMs, view.nowMs - LOOK_MS)
    return view.full ? { ...roundOf(view.width, view), sinceMs, filled: true } : null
  }
  if (view.full) return { ...round, filled: true }
  // After growth the new slots have yet to be filled.
  return round.filled || isOver(round, view, SETTLED) ? null : round
}

function roundOf(width: number, { nowMs, totals }: WidthView): Round {
  return { width, sinceMs: nowMs, ...totals, filled: false }
}

function isOver(round: Round, { totals, nowMs }: WidthView, least: { ms: number; answers: number }): boolean {
  if (nowMs - round.sinceMs < least.ms || totals.ended < round.begun) return false
  return totals.answered - round.answered >= least.answers
}

function measured(round: Round, { totals, nowMs }: WidthView): Measure {
  return {
    width: round.width,
    perSecond: ((totals.answered - round.answered) * 1000) / (nowMs - round.sinceMs),
  }
}

function growStep(search: Growing, round: Round, view: WidthView): WidthStep {
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

function followEarly(early: EarlyCalls, { ended, nowMs }: WidthView): EarlyCalls {
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

/** Least ratio of answers per second that makes a growth worth it. */
function hopedGain(growth: number): number {
  return 1 + HOPED * (growth - 1)
}

/** @param guess what is enough, if answers are brought in proportion up to it */
function lower(guess: number, view: WidthView): Lowering {
  return {
    kind: 'lowering',
    enough: view.width,
    perSecond: null,
    guess: Math.max(view.floor, Math.min(view.width, Math.ceil(guess))),
    rising: false,
    settled: true,
    round: roundOf(view.width, view),
    lookedAtMs: view.nowMs,
  }
}

function lowerStep(search: Lowering, round: Round, view: WidthView): WidthStep {
  const { width, floor } = view
  if (!isOver(round, view, search.settled ? LONG_ROUND : SETTLED)) return { width, search }
  const again = { ...search, round: roundOf(width, view), settled: !search.settled }
  if (!search.settled) return { width, search: again }
  const { perSecond } = measured(round, view)
  if (search.perSecond === null) return { width: search.guess, search: { ...again, perSecond } }
  if (perSecond < KEPT * search.perSecond) {
    const more = Math.ceil(width / LOWER)
    return more >= search.enough
      ? rest(search.enough, REST_MS, view)
      : { width: more, search: { ...again, rising: true } }
  }
  const fewer = Math.max(floor, Math.floor(width * LOWER))
  if (search.rising || fewer === width) return rest(width, REST_MS, view)
  return { width: fewer, search: { ...again, enough: width } }
}

function rest(width: number, restMs: number, { nowMs }: WidthView): WidthStep {
  const longer = Math.min(LONGEST_REST_MS, 2 * restMs)
  return {
    width,
    search: { kind: 'resting', untilMs: nowMs + restMs, restMs: longer, round: null, lookedAtMs: nowMs },
  }
}

function tryAgain(restMs: number, view: WidthView): Trying {
  return {
    kind: 'trying',
    enough: view.width,
    perSecond: null,
    settled: true,
    restMs,
    round: roundOf(view.width, view),
    lookedAtMs: view.nowMs,
  }
}

function tryStep(search: Trying, round: Round, view: WidthView): WidthStep {
  const { width, ceiling } = view
  if (!isOver(round, view, search.settled ? LONG_ROUND : SETTLED)) return { width, search }
  const again = { ...search, round: roundOf(width, view), settled: !search.settled }
  if (!search.settled) return { width, search: again }
  const { perSecond } = measured(round, view)
  const gained = search.perSecond !== null && perSecond >= search.perSecond * hopedGain(width / search.enough)
  if (search.perSecond !== null && !gained) return rest(search.enough, search.restMs, view)
  const more = Math.max(width, Math.min(ceiling, Math.ceil(width * CAREFUL_GROWTH)))
  const restMs = gained ? REST_MS : search.restMs
  if (more < width * LEAST_STEP) return rest(width, restMs, view)
  return { width: more, search: { ...again, enough: width, perSecond, restMs } }
}
