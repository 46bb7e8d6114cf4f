import { ApiKeyMissing, createKeyHolder, type KeySource } from '../src/completions/key-holder.js'
import { InvalidConfig, type QueueConfig } from '../src/config.js'
import type { QueuePlan } from './queue-workers.js'
import type { Role } from './role.js'

/** A queue that can't be started as things are. */
export interface UnreadyQueue {
  readonly queue: string
  /** Says what to set. */
  readonly problem: ApiKeyMissing | InvalidConfig
  /** Its key is looked for in a file, which may yet appear; a variable of this process stays as it is. */
  readonly mayAppear: boolean
}

export interface QueuePlans {
  readonly ready: readonly QueuePlan[]
  readonly unready: readonly UnreadyQueue[]
}

/** Gives the settings of a queue, as `Config.queue` does, and where its key comes from now. */
export interface SettingsOf {
  readonly queue: (queue: string) => QueueConfig
  readonly keySource: (queue: string) => () => KeySource | null
}

/**
 * Reads the settings and keys of all queues: what one of them lacks keeps none of the others from starting.
 * @throws UnknownQueue, and when none is ready ApiKeyMissing or InvalidConfig, with all that is missing
 */
export async function planQueues(
  queues: readonly string[],
  settingsOf: SettingsOf,
  roles: ReadonlySet<Role>,
): Promise<QueuePlans> {
  const plans = await Promise.all(queues.map((queue) => planQueue(queue, settingsOf, roles)))
  const ready = plans.filter((plan) => 'config' in plan)
  const unready = plans.filter((plan) => 'problem' in plan)
  if (ready.length === 0 && unready.length > 0) throw allOf(unready.map(({ problem }) => problem))
  return { ready, unready }
}

/** Reads the settings and the key of one queue. @throws UnknownQueue */
export async function planQueue(
  queue: string,
  settingsOf: SettingsOf,
  roles: ReadonlySet<Role>,
): Promise<QueuePlan | UnreadyQueue> {
  let mayAppear = false
  try {
    const config = settingsOf.queue(queue)
    mayAppear = config.apiKey === null && config.apiKeyFile !== null
    if (!roles.has('completion')) return { config, keyHolder: null }
    return { config, keyHolder: await createKeyHolder(config, settingsOf.keySource(queue)) }
  } catch (problem) {
    if (problem instanceof ApiKeyMissing || problem instanceof InvalidConfig) {
      return { queue, problem, mayAppear }
    }
    throw problem
  }
}

/** One error that says what several say. */
function allOf(problems: readonly (ApiKeyMissing | InvalidConfig)[]): Error {
  const settings = problems.flatMap((problem) =>
    problem instanceof InvalidConfig ? problem.problems : [problem.message],
  )
  if (problems.some((problem) => problem instanceof InvalidConfig)) return new InvalidConfig(settings)
  return new ApiKeyMissing([...new Set(settings)].join('\n'))
}
