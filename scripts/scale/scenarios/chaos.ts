import { runDrill } from '../../chaos/drill.js'
import { drillFigures } from '../../chaos/drill-figures.js'
import type { ScaleScenario } from '../scenario.js'

const DRILL = { seed: 1, rounds: 50, requests: 20_000, keep: false }

/** Every second strike kills a process that makes calls, while every core is busy; `bench:chaos` sets each of these. */
const run: ScaleScenario['run'] = async ({ signal, say }, found) => {
  const end = await runDrill({ ...DRILL, say, signal })
  for (const violation of end.violations) say(`VIOLATION: ${violation}`)
  found(drillFigures(end))
}

/** What kills cost. */
export const CHAOS: ScaleScenario = {
  name: 'chaos',
  about: `${DRILL.rounds} strikes on one batch of ${DRILL.requests} requests while every core is busy`,
  run,
}
