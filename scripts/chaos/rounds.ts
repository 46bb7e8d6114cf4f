import { createRandom } from '../../src/simulator/random.js'
import { dealer } from './dealer.js'
import { BLOWS, LENGTHS_MS, type Strike, type Target } from './strike.js'

/** A round of the drill: a strike, and how long the work goes on undisturbed after it. */
export interface Round extends Omit<Strike, 'atMs'> {
  readonly calmMs: number
}

/**
 * So many rounds, the same for the same seed. Every second one kills a process that makes calls, since that is what
 * recovery is measured by; the others strike whatever there is, each kind of victim in its turn.
 */
export function drillRounds(seed: number, targets: readonly Target[], count: number): Round[] {
  const random = createRandom(seed)
  const callers = dealer(
    targets.filter(({ kind, group }) => kind === 'process' && group === 'completion'),
    random,
  )
  const nextGroup = dealer([...new Set(targets.map(({ group }) => group))], random)
  const decks = new Map(
    targets.map(({ group }) => {
      const cards = targets.filter((one) => one.group === group)
      return [
        group,
        dealer(
          cards.flatMap((target) => BLOWS[target.kind].map((blow) => ({ target, blow }))),
          random,
        ),
      ]
    }),
  )
  const other = () => (decks.get(nextGroup()) as ReturnType<typeof dealer<Pick<Round, 'target' | 'blow'>>>)()
  return Array.from({ length: count }, (_, index) => {
    const card = index % 2 === 0 ? ({ target: callers(), blow: 'kill' } as const) : other()
    const [least, most] = LENGTHS_MS[card.blow]
    return {
      ...card,
      forMs: Math.round(least + random() * (most - least)),
      calmMs: Math.round(random() * 2000),
    }
  })
}
