import { QUEUE_NAME, QUEUE_NAME_RULE } from '../redis/keys.js'
import { redisUrlProblem } from '../redis/target.js'

/** Something wrong at a place in the file. */
export interface Problem {
  readonly path: readonly PropertyKey[]
  /** The rest of a sentence that begins with the place. */
  readonly text: string
}

type Fields = Readonly<Record<string, unknown>>

/**
 * What zod can't find while fields are wrong in themselves: names of queues, fields that exclude each other, the URL
 * of Redis. It looks at the file as it is, so that every problem is told at once.
 */
export function problemsBetweenFields(file: unknown): Problem[] {
  const { redisUrl, queues } = fieldsOf(file)
  const redis = typeof redisUrl === 'string' ? redisUrlProblem(redisUrl) : null
  return [
    ...exclusive(file, [], 'redisUrl', 'redisUrlEnv'),
    ...(redis === null ? [] : [{ path: ['redisUrl'], text: redis }]),
    ...(isEmpty(queues) ? [{ path: ['queues'], text: 'must hold a queue, or be left out' }] : []),
    ...Object.entries(fieldsOf(queues)).flatMap(([name, queue]) => [
      ...(QUEUE_NAME.test(name)
        ? []
        : [{ path: ['queues', name], text: `can't be a queue's name: ${QUEUE_NAME_RULE}` }]),
      ...exclusive(queue, ['queues', name], 'apiKeyEnv', 'apiKeyFile'),
      ...exclusive(fieldsOf(queue).alerts, ['queues', name, 'alerts'], 'webhook', 'webhookEnv'),
    ]),
  ]
}

/** Every environment variable that the file names, right or wrong in all else: these are settings too. */
export function variablesNamed(file: unknown): string[] {
  const { redisUrlEnv, queues } = fieldsOf(file)
  const ofQueues = Object.values(fieldsOf(queues)).flatMap((queue) => {
    const { apiKeyEnv, alerts } = fieldsOf(queue)
    return [apiKeyEnv, fieldsOf(alerts).webhookEnv]
  })
  return [redisUrlEnv, ...ofQueues].filter((name) => typeof name === 'string')
}

function exclusive(value: unknown, path: readonly string[], one: string, other: string): Problem[] {
  const has = fieldsOf(value)
  if (has[one] === undefined || has[other] === undefined) return []
  return [{ path: [...path, one], text: `and ${other} are both there; keep one` }]
}

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  )
}

/** The fields of an object; none of anything else. */
function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
