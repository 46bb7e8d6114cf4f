import { resolve } from 'node:path'
import type { AlertSettings } from '../alerts/settings.js'
import type { KeyNames } from '../completions/key-holder.js'
import { alertSettings } from './alert-settings.js'
import type { EnvironmentSettings } from './environment.js'
import type { QueueSettings } from './file-schema.js'
import type { SettingsFile } from './settings-file.js'

const BASE_URL = 'https://api.conduit.im/v1'
const BILLING_URL = 'https://conduit.im/api/billing'
const BALANCE_POLL_SECONDS = 30

/** What one queue needs of the world. */
export interface QueueConfig {
  readonly queue: string
  readonly apiKey: string | null
  readonly apiKeyFile: string | null
  /** Where that key is looked for, for messages. */
  readonly keyNames: KeyNames
  readonly baseUrl: string
  /** Null: calls are made elsewhere than at Conduit, and nobody said where the balance is told. */
  readonly billingUrl: string | null
  /** Between two questions for the balance. */
  readonly balancePollMs: number
  /** False: no hold of Conduit's lifts by itself, a person does it. */
  readonly autoResume: boolean
  /** Who is told when it waits for a person: secrets included, so it is never shown. */
  readonly alerts: AlertSettings
  /** Calls in flight at most, for each process; null: what its batches ask for. */
  readonly concurrency: number | null
  /** Ceiling of the pace, for the whole fleet; null: none. */
  readonly requestsPerMinute: number | null
}

/** What flags may say of the queues that a process works for. */
export interface QueueFlags {
  /** Ceiling of the pace, requests a minute. */
  readonly rpm?: number
  /** Between two questions for the balance, ms. */
  readonly balancePoll?: number
  /** False with `--no-auto-resume`. */
  readonly autoResume?: boolean
}

/** Everything that settings of queues come from. */
export interface QueueSources {
  readonly file: SettingsFile
  readonly environment: EnvironmentSettings
  /** Of the command line, where it says something. */
  readonly flags: QueueFlags
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
  const { file, environment, flags } = sources
  const own = file.settings.queues?.[queue] ?? {}
  return {
    queue,
    ...keyOf(queue, own, sources),
    ...addressesOf(own, environment),
    balancePollMs: flags.balancePoll ?? balancePollOf(file, environment) * 1000,
    autoResume: flags.autoResume !== false && (file.settings.autoResume ?? true),
    alerts: alertsOf(queue, own, sources),
    concurrency: own.limits?.concurrency ?? null,
    requestsPerMinute: flags.rpm ?? environment.CONDUIT_BATCH_RPM ?? own.limits?.requestsPerMinute ?? null,
  }
}

/** A key goes to no other host than it was meant for: calls to somewhere else tell nothing of where the balance is. */
function addressesOf(
  own: QueueSettings,
  environment: EnvironmentSettings,
): Pick<QueueConfig, 'baseUrl' | 'billingUrl'> {
  const baseUrl = own.baseUrl ?? environment.CONDUIT_BASE_URL ?? BASE_URL
  const isConduit = URL.canParse(baseUrl) && new URL(baseUrl).host === new URL(BASE_URL).host
  return {
    baseUrl,
    billingUrl: own.billingUrl ?? environment.CONDUIT_BILLING_URL ?? (isConduit ? BILLING_URL : null),
  }
}

function balancePollOf({ settings }: SettingsFile, environment: EnvironmentSettings): number {
  return environment.CONDUIT_BATCH_BALANCE_POLL_SECONDS ?? settings.balancePollSeconds ?? BALANCE_POLL_SECONDS
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
