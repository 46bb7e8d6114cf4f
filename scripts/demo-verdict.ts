import { EXIT } from '../src/cli/exit.js'
import type { SimulatorStats } from '../src/simulator/stats.js'

/** How the simulated run went. */
export interface StoryEnd {
  /** Of `conduit-batch run`. */
  readonly code: number
  /** How many prompts can be answered. */
  readonly answers: number
  readonly stats: SimulatorStats
  /** Types of the alerts that a person got. */
  readonly alerts: readonly string[]
}

/** What the simulator and the person saw, against what was promised: empty when all is well. */
export function problemsOf({ code, answers, stats, alerts }: StoryEnd): string[] {
  const problems: string[] = []
  if (stats.promptsCompleted !== answers) {
    problems.push(`${answers} answers expected, ${stats.promptsCompleted} given`)
  }
  if (stats.promptsCompletedMoreThanOnce > 0) {
    problems.push(`${stats.promptsCompletedMoreThanOnce} prompts paid twice`)
  }
  // Where calls go fast enough to tell in time, a person is warned as well.
  const ofIncident = alerts.filter((type) => type !== 'balance.low').join()
  if (ofIncident !== 'incident.opened,incident.resolved' || alerts.length > 3)
    problems.push(`alerts: ${alerts.join()}`)
  if (code !== EXIT.failures) {
    problems.push(`conduit-batch run exited with ${code}, not with ${EXIT.failures} (finished with failures)`)
  }
  return problems
}
