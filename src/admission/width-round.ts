import type { EndedCall, Totals } from './concurrency.js'

/** What a look at the calls showed. */
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

/** Answers per second at a width. */
export interface Measure {
  readonly width: number
  readonly perSecond: number
}

/**
 * The time in which as many calls end as were out when it began: one mean latency, whatever that is. What ends in it
 * began, on average, before it; so it measures the width that was in force then.
 */
export interface Round {
  readonly width: number
  readonly sinceMs: number
  readonly begun: number
  readonly ended: number
  readonly answered: number
  /** All slots were in use at some time of it. */
  readonly filled: boolean
}

/** What makes a round long enough: a time, and so many answers. */
interface LeastRound {
  readonly ms: number
  readonly answers: number
}

/** One latency has passed. */
export const SETTLED = { ms: 100, answers: 0 }
/** A round that began since the last look began this much earlier at most. */
const LOOK_MS = 50

/** Begun when all slots are in use, given up when they no longer are: then it would measure something else. */
export function followRound(
  { round, lookedAtMs }: { round: Round | null; lookedAtMs: number },
  view: WidthView,
): Round | null {
  if (round === null) {
    const sinceMs = Math.max(lookedAtMs, view.nowMs - LOOK_MS)
    return view.full ? { ...roundOf(view.width, view), sinceMs, filled: true } : null
  }
  if (view.full) return { ...round, filled: true }
  // After growth the new slots have yet to be filled.
  return round.filled || isOver(round, view, SETTLED) ? null : round
}

/** A round that begins now. @param width what the calls that are out were begun under */
export function roundOf(width: number, { nowMs, totals }: WidthView): Round {
  return { width, sinceMs: nowMs, ...totals, filled: false }
}

/** As many have ended as were out when it began, and enough to tell something. */
export function isOver(round: Round, { totals, nowMs }: WidthView, least: LeastRound): boolean {
  if (nowMs - round.sinceMs < least.ms || totals.ended < round.begun) return false
  return totals.answered - round.answered >= least.answers
}

export function measured(round: Round, { totals, nowMs }: WidthView): Measure {
  return {
    width: round.width,
    perSecond: ((totals.answered - round.answered) * 1000) / (nowMs - round.sinceMs),
  }
}

/** Of the answers that growth would bring to an upstream with room: with fewer, it has none. */
const HOPED = 0.4
/** A step smaller than this (to the ceiling) can't be told from chance. */
export const LEAST_STEP = 1.4

/** Least ratio of answers per second that makes a growth worth it. */
export function hopedGain(growth: number): number {
  return 1 + HOPED * (growth - 1)
}
