import { resolve } from 'node:path'
import type { AlertSettings } from '../alerts/settings.js'
import type { KeyNames } from '../completions/key-holder.js'
import { alertSettings } from './alert-settings.js'
import type { EnvironmentSettings } from './environment.js'
import type { QueueSettings } from './file-schema.js'
import type { SettingsFile } from './settings-file.js'

const BASE_URL = 'https://api.conduit.im/v1'
const BILLING_URL = 'https://conduit.im/api/billing'

/** What one queue needs of the world. */
export interface QueueConfig {
  readonly queue: string
  readonly apiKey: string | null
  readonly apiKeyFile: string | null
  /** Where that key is looked for, for messages. */
  readonly keyNames: KeyNames
  readonly baseUrl: string
  readonly billingUrl: string
  /** Who is told when it waits for a person: secrets included, so it is never shown. */
  readonly alerts: AlertSettings
  /** Calls in flight at most, for each process; null: what its batches ask for. */
  readonly concurrency: number | null
  /** Ceiling of the pace, for the whole fleet; null: none. */
  readonly requestsPerMinute: number | null
}

/** Everything that settings of queues come from. */
export interface QueueSources {
  readonly file: SettingsFile
  readonly environment: EnvironmentSettings
  /** Of the command line; null: it says nothing. */
  readonly requestsPerMinute: number | null
  /** What a variable holds that the file names; null when it is not set. */
  readonly variable: (name: string) => string | null
  /** What a command that is a channel of alerts may know of our environment. */
  readonly environmentOfCommands: Readonly<Record<string, string>>
}

/**
 * The settings of one queue: what the file says of it, and the environment where it says nothing. The ceiling of its
 * pace is for whoever starts workers to say: the command line comes first, then the environment, then the file.
 * @throws InvalidConfig when a variable for one of its channels is not set
 */
export function queueConfig(queue: string, sources: QueueSources): QueueConfig {
  const { file, environment, requestsPerMinute } = sources
  const own = file.settings.queues?.[queue] ?? {}
  return {
    queue,
    ...keyOf(queue, own, sources),
    baseUrl: own.baseUrl ?? environment.CONDUIT_BASE_URL ?? BASE_URL,
    billingUrl: own.billingUrl ?? environment.CONDUIT_BILLING_URL ?? BILLING_URL,
    alerts: alertsOf(queue, own, sources),
    concurrency: own.limits?.concurrency ?? null,
    requestsPerMinute:
      requestsPerMinute ?? environment.CONDUIT_BATCH_RPM ?? own.limits?.requestsPerMinute ?? null,
  }
}

type Key = Pick<QueueConfig, 'apiKey' | 'apiKeyFile' | 'keyNames'>

function keyOf(queue: string, { apiKeyEnv, apiKeyFile }: QueueSettings, sources: QueueSources): Key {
  const { file, environment, variable } = sources
  const names = {
    queue: file.settings.queues === undefined ? null : queue,
    variable: apiKeyEnv ?? 'CONDUIT_API_KEY',
    file: `queues.${queue}.apiKeyFile in ${file.name}`,
  }
  if (apiKeyEnv !== undefined) return { apiKey: variable(apiKeyEnv), apiKeyFile: null, keyNames: names }
  if (apiKeyFile !== undefined) {
    return { apiKey: null, apiKeyFile: resolve(file.directory, apiKeyFile), keyNames: names }
  }
  return {
    apiKey: environment.CONDUIT_API_KEY ?? null,
    apiKeyFile: environment.CONDUIT_API_KEY_FILE ?? null,
    keyNames: { ...names, file: 'CONDUIT_API_KEY_FILE' },
  }
}

function alertsOf(queue: string, { alerts: own }: QueueSettings, sources: QueueSources): AlertSettings {
  const { file, environment, variable, environmentOfCommands } = sources
  return alertSettings(queue, {
    shared: file.settings.alerts,
    own,
    webhook: environment.CONDUIT_BATCH_ALERT_WEBHOOK,
    webhookSecret: environment.CONDUIT_BATCH_ALERT_WEBHOOK_SECRET,
    fileName: file.name,
    directory: file.directory,
    variable,
    environmentOfCommands,
  })
}
