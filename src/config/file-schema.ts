import { z } from 'zod'
import { QUEUE_NAME } from '../redis/keys.js'
import { alertFields } from './alert-schema.js'
import { duration, fields, variable } from './fields.js'
import { POLL_BOUNDS, POLL_SECONDS } from './poll-seconds.js'
import { apiUrlProblem, HTTP_URL } from './url.js'

/** Connections a process may have open to Conduit (workers/concurrency-ceiling.ts). */
const MOST_CONCURRENCY = 1000
/** One call in 100 minutes: slower than that nobody means. */
const LEAST_PER_MINUTE = 0.01
const MOST_KEPT_BATCHES = 1_000_000
const MOST_KEPT_DEAD_LETTERS = 10_000_000

const PATH = 'must be a path'

const path = () => z.string(PATH).regex(/\S/, PATH)

function apiUrl() {
  const text = z.string(HTTP_URL).superRefine((value, context) => {
    const problem = apiUrlProblem(value)
    if (problem !== null) context.addIssue(problem)
  })
  return text.meta({ format: 'uri' })
}

function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`
  return z.number(error).int(error).min(min, error).max(max, error)
}

const limits = fields({
  concurrency: wholeNumber(1, MOST_CONCURRENCY)
    .optional()
    .describe(
      'Ceiling of the calls in flight, for each process; caps what --concurrency asks for. Below it, as many are in flight as bring answers.',
    ),
  requestsPerMinute: z
    .number(`must be a number of at least ${LEAST_PER_MINUTE}`)
    .min(LEAST_PER_MINUTE, `must be a number of at least ${LEAST_PER_MINUTE}`)
    .optional()
    .describe(
      'Ceiling of the pace, for all processes together. Without it the pace finds the limit by itself.',
    ),
})

const queue = fields({
  apiKeyEnv: variable()
    .optional()
    .describe('Name of the environment variable that holds the Conduit API key of this queue.'),
  apiKeyFile: path()
    .optional()
    .describe('File that holds the key, relative to this file; read again when the key is refused.'),
  baseUrl: apiUrl().optional().describe('Where completions are made. Default: https://api.conduit.im/v1'),
  billingUrl: apiUrl()
    .optional()
    .describe('Where the balance is asked for. Default: https://conduit.im/api/billing'),
  limits: limits.optional().describe('How much this queue may send.'),
  alerts: alertFields
    .optional()
    .describe('Who else is told when this queue waits for a person, and how often.'),
}).meta({ not: { required: ['apiKeyEnv', 'apiKeyFile'] } })

const retention = fields({
  batches: duration().optional().describe('How long finished batches are kept. Default: 30d'),
  inputs: duration()
    .optional()
    .describe('How long copies of input are kept after the batch is finished. Default: 30d'),
  deadLetters: duration().optional().describe('How long dead letters are kept. Default: 90d'),
  incidents: duration()
    .optional()
    .describe('How long the record of an incident is kept; of each queue the last 200. Default: 90d'),
  mostBatches: wholeNumber(1, MOST_KEPT_BATCHES)
    .optional()
    .describe('How many finished batches are kept; the oldest go first. Default: 10000'),
  mostDeadLetters: wholeNumber(1, MOST_KEPT_DEAD_LETTERS)
    .optional()
    .describe('How many dead letters each queue keeps; the oldest go first. Default: 200000'),
})

const dollars = () => {
  const error = 'must be dollars per million tokens, 0 or more'
  return z.number(error).min(0, error)
}

const price = fields({
  input: dollars().describe('Of the prompt, dollars per million tokens.'),
  output: dollars().describe('Of the answer, dollars per million tokens.'),
})

/** The file of settings, `conduit-batch.config.json`; what it can't say of itself is in between-fields.ts. */
export const fileSchema = fields({
  $schema: z.string('must be a path or URL').optional().describe('For editors: where the schema is.'),
  redisUrl: z
    .string('must be a redis:// or rediss:// URL')
    .optional()
    .describe(
      'The Redis to use, redis:// or rediss://. Without it a private one runs in the data directory.',
    ),
  redisUrlEnv: variable()
    .optional()
    .describe('Name of the environment variable that holds the URL of Redis, when it has a password.'),
  dataDirectory: path()
    .optional()
    .describe(
      'Where batches are kept, relative to this file. Default: .conduit-batch where the command is typed',
    ),
  queues: z
    .record(z.string(), queue, 'must be an object of queues by name')
    .meta({ propertyNames: { pattern: QUEUE_NAME.source }, minProperties: 1 })
    .optional()
    .describe('The queues, by name: each has its own key, gate and pace. Without them any name will do.'),
  alerts: alertFields
    .optional()
    .describe('Who is told when a queue waits for a person, and how often: for all queues.'),
  balancePollSeconds: z
    .number(POLL_SECONDS)
    .min(POLL_BOUNDS.min, POLL_SECONDS)
    .max(POLL_BOUNDS.max, POLL_SECONDS)
    .optional()
    .describe('How often the balance of the Conduit account is asked for, in seconds. Default: 30'),
  autoResume: z
    .boolean('must be true or false')
    .optional()
    .describe('False: a pause that Conduit has caused ends only when somebody types resume. Default: true'),
  prices: z
    .record(z.string().min(1), price, 'must be an object of prices by model')
    .optional()
    .describe('What models cost, by name: for --dry-run, --max-cost and the cost so far.'),
  retention: retention.optional().describe('How long what is finished is kept, and how much of it.'),
}).meta({
  title: 'conduit-batch.config.json',
  description: 'Settings and queues of conduit-batch; docs/configuration.md tells more.',
  not: { required: ['redisUrl', 'redisUrlEnv'] },
})

export type FileSettings = z.infer<typeof fileSchema>
export type QueueSettings = z.infer<typeof queue>

/** The JSON Schema of the file, for editors. */
export function fileJsonSchema(): object {
  return z.toJSONSchema(fileSchema, { io: 'input' })
}
