import { resolve } from 'node:path'
import type { KeySource } from './completions/key-holder.js'
import { checkEnvironment, type EnvironmentSettings } from './config/environment.js'
import { InvalidConfig, UnknownQueue } from './config/errors.js'
import { type QueueConfig, type QueueFlags, queueConfig } from './config/queue-config.js'
import { type Retention, retentionOf } from './config/retention.js'
import { readSettingsFile, type SettingsFile } from './config/settings-file.js'
import type { Prices } from './credits/prices.js'
import { redisUrlProblem } from './redis/target.js'

export { InvalidConfig, UnknownQueue } from './config/errors.js'
export type { QueueConfig } from './config/queue-config.js'
export type { Retention } from './config/retention.js'

/** Everything that comes from outside: flags of the command line, the environment, the file of settings. */
export interface Config {
  /** Names of the queues that the file sets up, in its order; `default` when it sets up none. */
  readonly queues: readonly string[]
  /**
   * The settings of a queue. When the file sets up queues, others (`default` too) are not known.
   * @throws UnknownQueue, and InvalidConfig when a variable that the queue needs is not set
   */
  queue(name: string): QueueConfig
  /**
   * Where the key of a queue comes from, by the file of settings as it is now.
   * @throws UnknownQueue, InvalidConfig
   */
  keySource(queue: string): KeySource
  /** For commands that need no more of a queue than its name. @throws UnknownQueue */
  assertQueue(name: string): void
  readonly retention: Retention
  /** What models cost; none when the file has none. */
  readonly prices: Prices
  /** What a client of `serve` must show; null: only this machine may ask. */
  readonly token: string | null
  /** Null: a private redis-server in the data directory. */
  readonly redisUrl: string | null
  readonly dataDirectory: string
  /** PATH, where a redis-server is looked for. */
  readonly searchPath: string
  /** Null: what the command finds fitting. */
  readonly logLevel: NonNullable<EnvironmentSettings['CONDUIT_BATCH_LOG_LEVEL']> | null
  /** First part of every key in Redis. */
  readonly keyPrefix: string
}

/** What flags may say in the place of environment and file. */
export interface ConfigFlags extends QueueFlags {
  /** The file of settings; `conduit-batch.config.json` in the working directory when nothing says so. */
  readonly config?: string
  readonly dataDir?: string
}

/**
 * Reads the environment, the one place that does, and the file of settings.
 * @throws InvalidConfig with every problem of both at once, unknown names included
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env, flags: ConfigFlags = {}): Config {
  const variable = (name: string) => env[name]?.trim() || null
  const {
    file,
    problems: ofFile,
    variables,
  } = readSettingsFile(flags.config ?? variable('CONDUIT_BATCH_CONFIG'))
  const { settings: environment, problems: ofEnvironment } = checkEnvironment(env, variables)
  const redis = redisUrlOf(file, environment, variable)
  const problems = [...ofEnvironment, ...ofFile, ...redis.problems]
  if (problems.length > 0) throw new InvalidConfig(problems)

  const own = file.settings.queues === undefined ? null : Object.keys(file.settings.queues)
  const assertQueue = (name: string): void => {
    if (own !== null && !own.includes(name)) throw new UnknownQueue(name, own, String(file.name))
  }
  return {
    queues: own ?? ['default'],
    queue(name) {
      assertQueue(name)
      return queueConfig(name, {
        file,
        environment,
        flags,
        variable,
        environmentOfCommands: withoutSecrets(env, variables),
      })
    },
    keySource: (name) => loadConfig(env, flags).queue(name),
    assertQueue,
    retention: retentionOf(file.settings),
    prices: file.settings.prices ?? {},
    token: environment.CONDUIT_BATCH_TOKEN ?? null,
    redisUrl: redis.url,
    dataDirectory: resolve(
      flags.dataDir ?? environment.CONDUIT_BATCH_DATA_DIR ?? dataDirectoryOf(file) ?? '.conduit-batch',
    ),
    searchPath: env.PATH ?? '',
    logLevel: environment.CONDUIT_BATCH_LOG_LEVEL ?? null,
    keyPrefix: environment.CONDUIT_BATCH_KEY_PREFIX ?? 'cb',
  }
}

/** What a command may know that is told of alerts: nothing that is meant for us, and no variable that the file names. */
function withoutSecrets(env: NodeJS.ProcessEnv, named: readonly string[]): Readonly<Record<string, string>> {
  const ours = (name: string) => name.startsWith('CONDUIT_') || name === 'REDIS_URL' || named.includes(name)
  const kept = Object.entries(env).flatMap(([name, value = '']) =>
    ours(name) ? [] : [[name, value] as const],
  )
  return Object.fromEntries(kept)
}

function dataDirectoryOf({ directory, settings }: SettingsFile): string | null {
  return settings.dataDirectory === undefined ? null : resolve(directory, settings.dataDirectory)
}

/** REDIS_URL wins over the file. A variable that the file names must hold a URL: another Redis would be no substitute. */
function redisUrlOf(
  { name: file, settings: { redisUrl, redisUrlEnv } }: SettingsFile,
  { REDIS_URL }: EnvironmentSettings,
  variable: (name: string) => string | null,
): { readonly url: string | null; readonly problems: readonly string[] } {
  if (REDIS_URL !== undefined || redisUrlEnv === undefined) {
    return { url: REDIS_URL ?? redisUrl ?? null, problems: [] }
  }
  const url = variable(redisUrlEnv)
  if (url === null) return { url, problems: [`${file}: redisUrlEnv names ${redisUrlEnv}, which is not set`] }
  const problem = redisUrlProblem(url)
  return { url, problems: problem === null ? [] : [`${redisUrlEnv} ${problem}`] }
}
