import { createRandom } from '../../src/simulator/random.js'
import { dealer } from './dealer.js'
import { BLOWS, type Blow, LENGTHS_MS, type Strike, type Target } from './strike.js'

export interface PlanOptions {
  readonly seed: number
  readonly targets: readonly Target[]
  /** All strikes are over by then. */
  readonly lengthMs: number
  /** Mean time from one strike to the next. */
  readonly everyMs: number
}

interface Card {
  readonly target: Target
  readonly blow: Blow
}

/**
 * A schedule of strikes: the same for the same options, on any machine. Each group of targets has its turn before any
 * has a second one, and in a group each blow; strikes overlap, but no target is struck while it is down.
 */
export function planStrikes({ seed, targets, lengthMs, everyMs }: PlanOptions): Strike[] {
  const random = createRandom(seed)
  const nextGroup = dealer([...new Set(targets.map(({ group }) => group))], random)
  const decks = new Map<string, () => Card>()
  const cardOf = (group: string): Card => {
    const deck = decks.get(group) ?? dealer(cardsOf(targets, group), random)
    decks.set(group, deck)
    return deck()
  }
  const freeFrom = new Map<string, number>()
  const strikes: Strike[] = []
  for (let atMs = gap(everyMs, random); atMs < lengthMs; atMs += gap(everyMs, random)) {
    const { target, blow } = cardOf(nextGroup())
    const forMs = between(LENGTHS_MS[blow], random)
    if (atMs < (freeFrom.get(target.name) ?? 0) || atMs + forMs > lengthMs) continue
    freeFrom.set(target.name, atMs + forMs + BREATH_MS)
    strikes.push({ atMs, forMs, target, blow })
  }
  return strikes
}

/** What has come back has a moment until it is struck again. */
export const BREATH_MS = 1000

/** From half the mean to one and a half times it. */
function gap(everyMs: number, random: () => number): number {
  return Math.round(everyMs * (0.5 + random()))
}

function between([least, most]: readonly [number, number], random: () => number): number {
  return Math.round(least + random() * (most - least))
}

function cardsOf(targets: readonly Target[], group: string): Card[] {
  return targets
    .filter((target) => target.group === group)
    .flatMap((target) => BLOWS[target.kind].map((blow) => ({ target, blow })))
}
