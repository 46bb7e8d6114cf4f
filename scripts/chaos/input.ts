import { createRandom } from '../../src/simulator/random.js'

/** What a batch of the chaos suite asks. */
export interface ChaosInput {
  readonly text: string
  /** Custom ids of requests that can be answered, and of those that can't. */
  readonly good: ReadonlySet<string>
  readonly bad: ReadonlySet<string>
}

const BAD_SHARE = 0.02

/** So many requests, each with a prompt of its own; a few are refused for what they are. */
export function makeInput(seed: number, count: number): ChaosInput {
  const random = createRandom(seed ^ 0x5eed)
  const [good, bad] = [new Set<string>(), new Set<string>()]
  const lines: string[] = []
  for (let index = 0; index < count; index++) {
    const id = `r-${index}`
    const isBad = random() < BAD_SHARE
    ;(isBad ? bad : good).add(id)
    const messages = [{ role: 'user', content: promptOf(id) }]
    lines.push(JSON.stringify({ custom_id: id, model: isBad ? 'no-such-model' : 'gpt-4o-mini', messages }))
  }
  return { text: `${lines.join('\n')}\n`, good, bad }
}

/** The prompt of a request, which the simulator's answer repeats. */
export function promptOf(id: string): string {
  return `say ${id} please`
}
