import { QUEUE_NAME, QUEUE_NAME_RULE } from '../redis/keys.js'
import { redisUrlProblem } from '../redis/target.js'
import { namesOfChannels, problemsOfAlerts, variablesOfAlerts } from './alert-fields.js'
import { exclusive, fieldsOf, type Problem } from './raw-fields.js'

export type { Problem } from './raw-fields.js'

/**
 * What zod can't find while fields are wrong in themselves: names of queues, fields that exclude each other, the URL
 * of Redis. It looks at the file as it is, so that every problem is told at once.
 */
export function problemsBetweenFields(file: unknown): Problem[] {
  const { redisUrl, queues, alerts } = fieldsOf(file)
  const redis = typeof redisUrl === 'string' ? redisUrlProblem(redisUrl) : null
  return [
    ...exclusive(file, [], 'redisUrl', 'redisUrlEnv'),
    ...(redis === null ? [] : [{ path: ['redisUrl'], text: redis }]),
    ...problemsOfAlerts(alerts, ['alerts'], []),
    ...(isEmpty(queues) ? [{ path: ['queues'], text: 'must hold a queue, or be left out' }] : []),
    ...Object.entries(fieldsOf(queues)).flatMap(([name, queue]) => [
      ...(QUEUE_NAME.test(name)
        ? []
        : [{ path: ['queues', name], text: `can't be a queue's name: ${QUEUE_NAME_RULE}` }]),
      ...exclusive(queue, ['queues', name], 'apiKeyEnv', 'apiKeyFile'),
      ...problemsOfAlerts(fieldsOf(queue).alerts, ['queues', name, 'alerts'], namesOfChannels(alerts)),
    ]),
  ]
}

/** Every environment variable that the file names, right or wrong in all else: these are settings too. */
export function variablesNamed(file: unknown): string[] {
  const { redisUrlEnv, queues, alerts } = fieldsOf(file)
  const ofQueues = Object.values(fieldsOf(queues)).flatMap((queue) => {
    const { apiKeyEnv, alerts } = fieldsOf(queue)
    return [apiKeyEnv, ...variablesOfAlerts(alerts)]
  })
  return [redisUrlEnv, ...variablesOfAlerts(alerts), ...ofQueues].filter((name) => typeof name === 'string')
}

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  )
}
