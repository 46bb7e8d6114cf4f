import { type Figure, figure, none } from '../pace/figure.js'
import type { DrillEnd } from './drill.js'

/** What a drill has found, with what is promised of it. */
export function drillFigures(end: DrillEnd): Figure[] {
  const recoveries = end.notRecovered > 0 ? null : end.recoveriesMs
  const lost = end.violations.filter((violation) => violation.startsWith('lost')).length
  const doubled = end.violations.filter((violation) => violation.startsWith('doubled')).length
  return [
    figure('rounds', end.rounds, ''),
    none('lost', lost),
    none('doubled', doubled),
    none('other violations', end.violations.length - lost - doubled),
    figure('paid twice', end.repeats, '', { atMost: end.mostRepeats }),
    none('live workers taken for dead', end.falseAlarms),
    figure('jobs that killed processes held', end.recoveriesMs.length + end.notRecovered, ''),
    figure('kill → its jobs run again, median', secondsAt(recoveries, 0.5), 's', { atMost: 8 }),
    figure('… 90 % of them', secondsAt(recoveries, 0.9), 's'),
    figure('… the last', secondsAt(recoveries, 1), 's'),
    figure('strike over → calls go on, median', secondsAt(end.callsAgainMs, 0.5), 's'),
    figure('… the slowest', secondsAt(end.callsAgainMs, 1), 's'),
  ]
}

/** Null where there is nothing, or not all came to it. */
function secondsAt(timesMs: readonly number[] | null, share: number): number | null {
  const sorted = [...(timesMs ?? [])].sort((a, b) => a - b)
  const ms = sorted[Math.floor((sorted.length - 1) * share)]
  return ms === undefined ? null : ms / 1000
}
