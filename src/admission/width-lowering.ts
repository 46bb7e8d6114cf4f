import {
  hopedGain,
  isOver,
  LEAST_STEP,
  measured,
  type Round,
  roundOf,
  SETTLED,
  type WidthView,
} from './width-round.js'
import type { WidthSearch, WidthStep } from './width-search.js'

type Trying = Extract<WidthSearch, { kind: 'trying' }>
type Lowering = Extract<WidthSearch, { kind: 'lowering' }>

const LOWER = 0.75
/** Of the answers per second, to call a lower width enough: half of what `LOWER` costs if it is not. */
const KEPT = 0.9
/** For the smaller differences of lowering. */
const LONG_ROUND = { ms: 1000, answers: 200 }
/** Once more was found to be of no use. */
const CAREFUL_GROWTH = 1.5
/** Before more is tried again; twice as long each time in vain. */
const REST_MS = 30_000
const LONGEST_REST_MS = 600_000

/**
 * Fewer are to be tried, once it is measured what the present width brings.
 *
 * @param guess what is enough, if answers are brought in proportion up to it
 */
export function lower(guess: number, view: WidthView): Lowering {
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

/** Fewer while the answers per second stay; more again when they did not. */
export function lowerStep(search: Lowering, round: Round, view: WidthView): WidthStep {
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

/** The upstream may have got more room. */
export function tryAgain(restMs: number, view: WidthView): Trying {
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

/** A half more, for as long as it brings more answers. */
export function tryStep(search: Trying, round: Round, view: WidthView): WidthStep {
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
