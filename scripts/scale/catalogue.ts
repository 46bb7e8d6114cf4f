import type { ScaleScenario } from './scenario.js'
import { CHAOS } from './scenarios/chaos.js'
import { COLLECT } from './scenarios/collect.js'
import { MEMORY } from './scenarios/memory.js'
import { VALIDATE } from './scenarios/validate.js'

/** Every scenario, in the order in which they run. */
export const SCENARIOS: readonly ScaleScenario[] = [VALIDATE, COLLECT, CHAOS, MEMORY]

/**
 * The scenarios with these names; all of them without a name.
 * @throws Error that lists the names that there are
 */
export function chosen(names: readonly string[]): readonly ScaleScenario[] {
  const known = SCENARIOS.map(({ name }) => name)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`no scenario is called ${unknown.join(', ')}. There are ${known.join(', ')}`)
  return SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name))
}
