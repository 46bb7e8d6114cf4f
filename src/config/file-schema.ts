import { z } from 'zod'
import { QUEUE_NAME } from '../redis/keys.js'
import { DURATION } from './duration.js'
import { apiUrlProblem, HTTP_URL, isHttpUrl } from './url.js'

/** Connections a process may have open to Conduit (workers/concurrency-ceiling.ts). */
const MOST_CONCURRENCY = 1000
/** One call in 100 minutes: slower than that nobody means. */
const LEAST_PER_MINUTE = 0.01
const MOST_KEPT_BATCHES = 1_000_000
const MOST_KEPT_DEAD_LETTERS = 10_000_000

const NAME_OF_VARIABLE = 'must be the name of an environment variable (A-Z, 0-9 and "_"), not what is in it'
const PATH = 'must be a path'

/** An object that may have these fields and no others. */
const fields = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape, { error: 'must be an object' })

// Capitals only: a key that was put in the place of its variable's name must not pass, for names are shown.
const variable = () => z.string(NAME_OF_VARIABLE).regex(/^[A-Z_][A-Z0-9_]*$/, NAME_OF_VARIABLE)

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

function duration() {
  const error = 'must be a time like "30d", "12h", "45m" or "2w"'
  return z.string(error).regex(DURATION, error)
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

const alerts = fields({
  webhook: z
    .string(HTTP_URL)
    .refine(isHttpUrl, HTTP_URL)
    .meta({ format: 'uri' })
    .optional()
    .describe('A URL that is told once when only a person can help, and when it goes on.'),
  webhookEnv: variable().optional().describe('Name of the environment variable that holds that URL.'),
}).meta({ not: { required: ['webhook', 'webhookEnv'] } })

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
  alerts: alerts.optional().describe('Who is told when this queue waits for a person.'),
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
