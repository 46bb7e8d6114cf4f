import { either, exclusive, fieldsOf, type Problem } from './raw-fields.js'

type Path = readonly PropertyKey[]

/**
 * What is wrong between the fields of `alerts`, of the file or of a queue.
 * @param taken names that channels for all queues have
 */
export function problemsOfAlerts(alerts: unknown, path: Path, taken: readonly string[]): Problem[] {
  const seen = new Set(taken)
  return [
    ...exclusive(alerts, path, 'webhook', 'webhookEnv'),
    ...channelsOf(alerts).flatMap((channel, index) => {
      const place = [...path, 'channels', index]
      const { name } = fieldsOf(channel)
      const isTaken = typeof name === 'string' && seen.has(name)
      if (typeof name === 'string') seen.add(name)
      return [
        ...problemsOfChannel(channel, place),
        ...(isTaken ? [{ path: [...place, 'name'], text: 'is the name of another channel' }] : []),
      ]
    }),
  ]
}

function problemsOfChannel(channel: unknown, path: Path): Problem[] {
  const { type, smtpUrl } = fieldsOf(channel)
  switch (type) {
    case 'webhook':
      return [
        ...either(channel, path, 'url', 'urlEnv'),
        ...exclusive(channel, path, 'secretEnv', 'secretFile'),
      ]
    case 'slack':
    case 'discord':
      return either(channel, path, 'url', 'urlEnv')
    case 'email': {
      const hasPassword =
        typeof smtpUrl === 'string' && URL.canParse(smtpUrl) && new URL(smtpUrl).password !== ''
      const instead =
        'holds a password, which has no place in this file: write "smtpUrlEnv": "SOME_NAME" instead'
      return [
        ...either(channel, path, 'smtpUrl', 'smtpUrlEnv'),
        ...(hasPassword ? [{ path: [...path, 'smtpUrl'], text: instead }] : []),
      ]
    }
    default:
      return []
  }
}

/** The names that channels were given. */
export function namesOfChannels(alerts: unknown): string[] {
  return channelsOf(alerts)
    .map((channel) => fieldsOf(channel).name)
    .filter((name) => typeof name === 'string')
}

/** Every environment variable that `alerts` names. */
export function variablesOfAlerts(alerts: unknown): unknown[] {
  const ofChannels = channelsOf(alerts).flatMap((channel) => {
    const { urlEnv, secretEnv, routingKeyEnv, smtpUrlEnv } = fieldsOf(channel)
    return [urlEnv, secretEnv, routingKeyEnv, smtpUrlEnv]
  })
  return [fieldsOf(alerts).webhookEnv, ...ofChannels]
}

function channelsOf(alerts: unknown): readonly unknown[] {
  const { channels } = fieldsOf(alerts)
  return Array.isArray(channels) ? channels : []
}
