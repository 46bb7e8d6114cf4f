import type { Answers } from './answers.js'
import { type Figure, figure, none, type Target } from './figure.js'
import type { TimedStats } from './simulator.js'

/** A share of 1 as a figure in per cent. */
export function percent(name: string, share: number | null, target?: Target): Figure {
  return figure(name, share === null ? null : share * 100, '%', target)
}

/** Seconds from the first call that came to the last answer that was written. */
export function callsTook({ timeline }: TimedStats): number | null {
  const { firstCallMs, lastAnswerMs } = timeline
  return firstCallMs === null || lastAnswerMs === null ? null : (lastAnswerMs - firstCallMs) / 1000
}

/**
 * Nothing lost, nothing given up, nothing twice. A completion whose connection was cut before it was delivered had to be
 * asked for again, so it is not counted as paid for twice.
 */
export function soundness({ lost, doubled, deadLetters }: Answers, stats: TimedStats): readonly Figure[] {
  return [
    none('lost', lost),
    none('dead letters', deadLetters),
    none('answered twice', doubled),
    none('paid twice without need', Math.max(0, stats.repeatedCompletions - stats.undelivered)),
  ]
}

/** Of all calls, how many were refused, in per cent. */
export function refusedInAll(stats: TimedStats, target?: Target): Figure {
  return percent('refused', (stats.byStatus['429'] ?? 0) / Math.max(1, stats.calls), target)
}
