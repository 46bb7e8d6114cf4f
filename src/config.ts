import { resolve } from 'node:path'
import { z } from 'zod'

/** Settings that are wrong: all of them together, each with its name. */
export class InvalidConfig extends Error {
  readonly code = 'invalid_config'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(
      problems.length === 1
        ? (problems[0] ?? '')
        : `these settings are wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.problems = problems
  }
}

/** An environment variable that is set to nothing is not set. */
const text = z
  .string()
  .trim()
  .transform((value) => (value === '' ? undefined : value))
  .optional()

const httpUrl = (name: string) =>
  text.refine((value) => value === undefined || isHttpUrl(value), {
    error: `${name} must be an http:// or https:// URL`,
  })

/** Where calls go: the key is sent apart, and each call adds its own path. */
const apiUrl = (name: string) =>
  httpUrl(name).refine((value) => value === undefined || !isHttpUrl(value) || isPlain(new URL(value)), {
    error: `${name} must be a URL without user, password, "?" and "#"`,
  })

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

function isPlain({ username, password, search, hash }: URL): boolean {
  return username + password + search + hash === ''
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

const environmentSchema = z.object({
  CONDUIT_API_KEY: text,
  CONDUIT_API_KEY_FILE: text,
  CONDUIT_BASE_URL: apiUrl('CONDUIT_BASE_URL'),
  CONDUIT_BILLING_URL: apiUrl('CONDUIT_BILLING_URL'),
  REDIS_URL: text,
  CONDUIT_BATCH_DATA_DIR: text,
  CONDUIT_BATCH_ALERT_WEBHOOK: httpUrl('CONDUIT_BATCH_ALERT_WEBHOOK'),
  CONDUIT_BATCH_LOG_LEVEL: text.pipe(
    z
      .enum(LOG_LEVELS, { error: `CONDUIT_BATCH_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}` })
      .optional(),
  ),
  CONDUIT_BATCH_KEY_PREFIX: text.refine(
    (value) => value === undefined || /^[A-Za-z0-9][\w-]{0,62}$/.test(value),
    {
      error: 'CONDUIT_BATCH_KEY_PREFIX must be letters, digits, "_" and "-"',
    },
  ),
})

/** What one queue needs of the world. */
export interface QueueConfig {
  readonly queue: string
  readonly apiKey: string | null
  readonly apiKeyFile: string | null
  readonly baseUrl: string
  readonly billingUrl: string
  readonly alertWebhook: string | null
  /** Calls in flight at most, for each process; null: what its batches ask for. */
  readonly concurrency: number | null
  /** Ceiling of the pace, for the whole fleet; null: none. */
  readonly requestsPerMinute: number | null
}

/** How long what is finished is kept, and how much of it. */
export interface Retention {
  readonly batchesMs: number
  readonly inputsMs: number
  readonly deadLettersMs: number
  readonly mostBatches: number
  readonly mostDeadLetters: number
}

/** Everything that comes from outside. Flags of the command line win over the environment. */
export interface Config {
  /** Names of the queues that are set up here; `default` when nothing else says so. */
  readonly queues: readonly string[]
  /** @throws UnknownQueue when queues are set up, and this is none of them */
  queue(name: string): QueueConfig
  readonly retention: Retention
  /** What a client of `serve` must show; null: only this machine may ask. */
  readonly token: string | null
  /** Null: a private redis-server in the data directory. */
  readonly redisUrl: string | null
  readonly dataDirectory: string
  /** PATH, where a redis-server is looked for. */
  readonly searchPath: string
  /** Null: what the command finds fitting. */
  readonly logLevel: (typeof LOG_LEVELS)[number] | null
  /** First part of every key in Redis. */
  readonly keyPrefix: string
}

/** What flags may say in the environment's place. */
export interface ConfigFlags {
  /** The file of settings; `conduit-batch.config.json` in the working directory when nothing says so. */
  readonly config?: string
  readonly dataDir?: string
}

const DAY_MS = 24 * 3600_000

const DEFAULT_RETENTION: Retention = {
  batchesMs: 30 * DAY_MS,
  inputsMs: 30 * DAY_MS,
  deadLettersMs: 90 * DAY_MS,
  mostBatches: 10_000,
  mostDeadLetters: 200_000,
}

const KNOWN = Object.keys(environmentSchema.shape)

/**
 * Reads the environment, the one place that does.
 * @throws InvalidConfig with every problem at once, unknown CONDUIT_BATCH_… names included
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, flags: ConfigFlags = {}): Config {
  const problems = Object.keys(env)
    .filter((name) => name.startsWith('CONDUIT_BATCH_') && !KNOWN.includes(name))
    .map((name) => `${name} is not a setting; there are: ${KNOWN.join(', ')}`)
  const parsed = environmentSchema.safeParse(env)
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => issue.message))
  const values = parsed.data
  if (env.CONDUIT_API_KEY?.trim() && env.CONDUIT_API_KEY_FILE?.trim()) {
    problems.push('CONDUIT_API_KEY and CONDUIT_API_KEY_FILE are both set; set one')
  }
  if (problems.length > 0 || values === undefined) throw new InvalidConfig(problems)
  return {
    queues: ['default'],
    queue: (queue) => ({
      queue,
      apiKey: values.CONDUIT_API_KEY ?? null,
      apiKeyFile: values.CONDUIT_API_KEY_FILE ?? null,
      baseUrl: values.CONDUIT_BASE_URL ?? 'https://api.conduit.im/v1',
      billingUrl: values.CONDUIT_BILLING_URL ?? 'https://conduit.im/api/billing',
      alertWebhook: values.CONDUIT_BATCH_ALERT_WEBHOOK ?? null,
      concurrency: null,
      requestsPerMinute: null,
    }),
    retention: DEFAULT_RETENTION,
    token: null,
    redisUrl: values.REDIS_URL ?? null,
    dataDirectory: resolve(flags.dataDir ?? values.CONDUIT_BATCH_DATA_DIR ?? '.conduit-batch'),
    searchPath: env.PATH ?? '',
    logLevel: values.CONDUIT_BATCH_LOG_LEVEL ?? null,
    keyPrefix: values.CONDUIT_BATCH_KEY_PREFIX ?? 'cb',
  }
}
