import { afterCut, type Failures, NO_FAILURES, takeInFailures } from './failure-cuts.js'
import { regain, searchWidth, startSearch, type WidthSearch } from './width-search.js'

/** A call that has ended since the last sample. `refused` is a 429: the pace's affair. */
export interface EndedCall {
  readonly kind: 'answered' | 'failed' | 'refused'
  readonly beganAtMs: number
}

/** What one process saw of one queue since the last sample. */
export interface ConcurrencySample {
  /** Jobs that it held, at the most. */
  readonly held: number
  /** Of them, those past their permit, at the most: their calls are out, or are being recorded. */
  readonly permitted: number
  /** Jobs that waited for a permit, at the fewest: above 0 the pace never caught up. */
  readonly waiting: number
  readonly begun: number
  readonly ended: readonly EndedCall[]
}

/** Counted since the start. */
export interface Totals {
  readonly begun: number
  readonly ended: number
  readonly answered: number
}

export interface ConcurrencyState {
  readonly ceiling: number
  /** Jobs that the process may hold now. */
  readonly limit: number
  /** Calls in flight that are of use, as far as is known; `limit` is lower while the pace is what holds calls up. */
  readonly width: number
  /** Calls begun per second, lately. */
  readonly perSecond: number
  readonly lookedAtMs: number
  readonly totals: Totals
  readonly failures: Failures
  readonly search: WidthSearch
}

/** Enough that 200 calls of 200 ms are out after two steps, few enough for an upstream with little room. */
const START = 50
/** However much fails: so many calls tell when it is over, and few enough not to be the trouble themselves. */
const FLOOR = 4
/**
 * Jobs that wait in the process for a permit: so much of the pace seen. More than a lease (50 ms) and the fetching of
 * jobs, so that the pace never lacks callers.
 */
const STOCK_MS = 200
const LEAST_STOCK = 10
/** With fewer than this much of the pace waiting, it is not the pace that calls wait for: a lease takes a few ms. */
const PACED_MS = 30
/** The pace seen is an average over about so long: it may double within a call, and a stall is not the pace. */
const RISE_MS = 150
const FALL_MS = 1000
/** Of the slots, to call them all in use: some jobs are being fetched or settled. */
const FULL = 0.9

/** @param ceiling most jobs the process may ever hold */
export function startConcurrency(ceiling: number, nowMs: number): ConcurrencyState {
  const width = Math.min(START, ceiling)
  return {
    ceiling,
    limit: width,
    width,
    perSecond: 0,
    lookedAtMs: nowMs,
    totals: { begun: 0, ended: 0, answered: 0 },
    failures: NO_FAILURES,
    search: startSearch(),
  }
}

/**
 * How many jobs a process should hold, from what it saw since it was last asked; ask every 50 ms or so. Follows rate ×
 * latency while the pace is what calls wait for; else finds out how many in flight still bring more answers.
 */
export function followConcurrency(
  earlier: ConcurrencyState,
  sample: ConcurrencySample,
  ceiling: number,
  nowMs: number,
): ConcurrencyState {
  const state = withCeiling(earlier, ceiling)
  const { width } = state
  const totals = addTo(state.totals, sample)
  const pace = paceSeen(state, sample, nowMs)
  const paced = sample.waiting >= Math.max(1, (pace.perSecond * PACED_MS) / 1000)
  const floor = Math.min(FLOOR, ceiling)
  const { cut, failures, mostWidth } = takeInFailures(state.failures, sample.ended, width, nowMs)
  const next = cut
    ? { ...afterCut(failures, width, floor, nowMs), search: regain(state.search, width) }
    : searchWidth(state.search, {
        width,
        floor,
        ceiling: Math.min(ceiling, mostWidth),
        full: !paced && sample.held >= FULL * width,
        totals,
        ended: sample.ended,
        nowMs,
      })
  const stock = Math.max(LEAST_STOCK, Math.ceil((pace.perSecond * STOCK_MS) / 1000))
  const limit = Math.max(floor, Math.min(next.width, sample.permitted + stock))
  return { ceiling, failures, ...next, limit, ...pace, totals }
}

/** A bound that held it below the start tells nothing of the upstream: it starts anew when that is lifted. */
function withCeiling(state: ConcurrencyState, ceiling: number): ConcurrencyState {
  const start = Math.min(START, ceiling)
  if (state.width === state.ceiling && state.width < start) {
    return { ...state, width: start, search: startSearch() }
  }
  return { ...state, width: Math.min(state.width, ceiling) }
}

function addTo({ begun, ended, answered }: Totals, sample: ConcurrencySample): Totals {
  return {
    begun: begun + sample.begun,
    ended: ended + sample.ended.length,
    answered: answered + sample.ended.filter(({ kind }) => kind === 'answered').length,
  }
}

function paceSeen({ perSecond, lookedAtMs }: ConcurrencyState, { begun }: ConcurrencySample, nowMs: number) {
  const sinceMs = Math.max(1, nowMs - lookedAtMs)
  const now = (begun * 1000) / sinceMs
  const weight = 1 - Math.exp(-sinceMs / (now > perSecond ? RISE_MS : FALL_MS))
  return { perSecond: perSecond + weight * (now - perSecond), lookedAtMs: nowMs }
}
