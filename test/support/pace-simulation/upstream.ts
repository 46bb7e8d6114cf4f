import { createLimiter, type Limiter } from '../../../src/simulator/limiter.js'
import type { VirtualClock } from './clock.js'
import type { Journal } from './journal.js'
import type { Phase, Scenario } from './scenario.js'

/** What a call came to. Times in seconds; `hint` calls per second, 0 when no header tells. */
export type Reply =
  | { readonly kind: 'answered'; readonly hint: number }
  | { readonly kind: 'refused'; readonly retryAfter: number; readonly hint: number }
  | { readonly kind: 'failed' }

/** Conduit as the scenario has it. */
export interface Upstream {
  call(reply: (reply: Reply) => void): void
}

/** A call is on its way for so long before it is counted against the limit. */
const TRAVEL_S = 0.01
const FAILURE_S = 0.03

export function createUpstream(
  clock: VirtualClock,
  scenario: Scenario,
  random: () => number,
  journal: Journal,
): Upstream {
  const limits = createLimits(scenario.phases)
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least)
  const travel = scenario.jitter ?? [TRAVEL_S, TRAVEL_S]
  const startAt = clock.now

  /** One request of ours or of another client arrives. */
  function arrive(isOurs: boolean): { reply: Reply; inSeconds: number } {
    const at = clock.now - startAt
    const [outFrom, outTo] = scenario.outage ?? [0, 0]
    if (at >= outFrom && at < outTo) return { reply: { kind: 'failed' }, inSeconds: FAILURE_S }
    const { limiter, perSecond } = limits.at(at)
    const verdict = limiter?.take(clock.now * 1000) ?? { kind: 'admitted' }
    const hint = scenario.tellsLimit ? perSecond : 0
    journal.arrived(at, verdict.kind === 'admitted', isOurs)
    if (verdict.kind === 'admitted') {
      return { reply: { kind: 'answered', hint }, inSeconds: between(scenario.latency) }
    }
    const retryAfter = RETRY_AFTER[scenario.retryAfter](verdict.retryAfterMs / 1000)
    return { reply: { kind: 'refused', retryAfter, hint }, inSeconds: between(scenario.refusal) - TRAVEL_S }
  }

  function callOfOthers(): void {
    arrive(false)
    clock.in((0.5 + random()) / scenario.othersPerSecond, callOfOthers)
  }
  if (scenario.othersPerSecond > 0) callOfOthers()

  return {
    call(give) {
      journal.sent(clock.now - startAt)
      clock.in(between(travel), () => {
        const { reply, inSeconds } = arrive(true)
        clock.in(inSeconds, () => {
          journal.ended(clock.now - startAt, reply.kind)
          give(reply)
        })
      })
    },
  }
}

/** What the header makes of the seconds to wait; −1 is no header. */
const RETRY_AFTER: Readonly<Record<Scenario['retryAfter'], (seconds: number) => number>> = {
  seconds: Math.ceil,
  missing: () => -1,
  zero: () => 0,
  absurd: () => 30 * 86_400,
}

/** The limit that is in force: each phase begins with an empty one. */
function createLimits(phases: readonly Phase[]) {
  let limiter: Limiter | null = null
  let current: Phase | undefined
  return {
    at(seconds: number): { limiter: Limiter | null; perSecond: number } {
      const phase = phases.findLast(({ from }) => from <= seconds)
      if (phase !== current) {
        limiter = phase?.limit ? createLimiter(phase.limit) : null
        current = phase
      }
      return { limiter, perSecond: perSecondOf(phase) }
    },
  }
}

/** Calls per second that a phase lets through; 0 when it has no limit. */
export function perSecondOf(phase: Phase | undefined): number {
  return phase?.limit ? (phase.limit.requestsPerWindow * 1000) / phase.limit.windowMs : 0
}
