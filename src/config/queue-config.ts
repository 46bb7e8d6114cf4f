import { resolve } from 'node:path'
import type { KeyNames } from '../completions/key-holder.js'
import type { EnvironmentSettings } from './environment.js'
import { InvalidConfig } from './errors.js'
import type { QueueSettings } from './file-schema.js'
import type { SettingsFile } from './settings-file.js'
import { HTTP_URL, isHttpUrl } from './url.js'

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
  readonly alertWebhook: string | null
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
}

/**
 * The settings of one queue: what the file says of it, and the environment where it says nothing. The ceiling of its
 * pace is for whoever starts workers to say: the command line comes first, then the environment, then the file.
 * @throws InvalidConfig when the variable for its webhook is not set
 */
export function queueConfig(queue: string, sources: QueueSources): QueueConfig {
  const { file, environment, requestsPerMinute } = sources
  const own = file.settings.queues?.[queue] ?? {}
  return {
    queue,
    ...keyOf(queue, own, sources),
    baseUrl: own.baseUrl ?? environment.CONDUIT_BASE_URL ?? BASE_URL,
    billingUrl: own.billingUrl ?? environment.CONDUIT_BILLING_URL ?? BILLING_URL,
    alertWebhook: webhookOf(queue, own, sources),
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

/** Whoever asked for alerts must get them: a webhook that leads nowhere is an error as soon as the queue is used. */
function webhookOf(queue: string, { alerts }: QueueSettings, sources: QueueSources): string | null {
  const { file, environment, variable } = sources
  if (alerts?.webhookEnv === undefined) {
    return alerts?.webhook ?? environment.CONDUIT_BATCH_ALERT_WEBHOOK ?? null
  }
  const url = variable(alerts.webhookEnv)
  if (url !== null && isHttpUrl(url)) return url
  const place = `${file.name}: queues.${queue}.alerts.webhookEnv`
  throw new InvalidConfig([
    url === null
      ? `${place} names ${alerts.webhookEnv}, which is not set. Type: export ${alerts.webhookEnv}=https://…`
      : `${place} names ${alerts.webhookEnv}, which ${HTTP_URL}`,
  ])
}
