import type { Scenario } from './scenario.js'
import { BUCKETS } from './scenarios/bucket.js'
import { HARD } from './scenarios/hard.js'
import { LEARNED } from './scenarios/learned.js'
import { OUTAGES } from './scenarios/outage.js'
import { UNLIMITED } from './scenarios/unlimited.js'
import { WINDOWED } from './scenarios/window.js'

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  ...BUCKETS,
  ...WINDOWED,
  UNLIMITED,
  LEARNED,
  ...OUTAGES,
  ...HARD,
]

/** Names of groups; `all` is everything. */
export const GROUPS: readonly string[] = [...new Set(SCENARIOS.flatMap(({ groups }) => groups)), 'all']

/**
 * The scenarios that words of the command line choose, in the order of the catalogue; none chooses what has targets.
 * @throws Error that lists the words that there are
 */
export function chosen(words: readonly string[]): Scenario[] {
  if (words.length === 0) return SCENARIOS.filter(({ groups }) => !groups.includes('hard'))
  const matches = (word: string, { name, groups }: Scenario) =>
    word === 'all' || word === name || groups.includes(word)
  const unknown = words.filter((word) => !SCENARIOS.some((scenario) => matches(word, scenario)))
  if (unknown.length > 0) {
    const names = SCENARIOS.map(({ name }) => name).join(', ')
    throw new Error(
      `no scenario is called ${unknown.join(', ')}. There are ${names}; groups: ${GROUPS.join(', ')}`,
    )
  }
  return SCENARIOS.filter((scenario) => words.some((word) => matches(word, scenario)))
}
