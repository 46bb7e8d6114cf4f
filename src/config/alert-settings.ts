import { type AlertSettings, type ChannelSettings, DEFAULT_REMINDERS_MS } from '../alerts/settings.js'
import type { AlertFields, ChannelFields } from './alert-schema.js'
import { type ChannelSources, readChannel } from './channel-settings.js'
import { durationMs } from './duration.js'
import { InvalidConfig } from './errors.js'

/** Everything that the alerts of a queue come from. */
export interface AlertSources extends ChannelSources {
  /** `alerts` of the file: for all queues. */
  readonly shared: AlertFields | undefined
  /** `queues.X.alerts`: in addition, for this one. */
  readonly own: AlertFields | undefined
  /** CONDUIT_BATCH_ALERT_WEBHOOK: where the file names no `webhook`. */
  readonly webhook: string | undefined
  readonly webhookSecret: string | undefined
}

/**
 * Who is told about one queue. Whoever asked for alerts must get them: a channel that leads nowhere is an error as soon as
 * the queue is used.
 * @throws InvalidConfig with every problem of every channel
 */
export function alertSettings(queue: string, sources: AlertSources): AlertSettings {
  const { shared, own } = sources
  const problems: string[] = []
  const places = [...channelsOf(shared, 'alerts'), ...channelsOf(own, `queues.${queue}.alerts`)]
  const wanted = [...inShort(sources, queue), ...places]
  const names = namesFor(wanted.map(({ fields }) => fields))
  const channels = wanted.flatMap(({ fields, place, secret }, index): ChannelSettings[] => {
    const reading = readChannel({ ...fields, name: names[index] ?? fields.type }, place, sources)
    if ('problems' in reading) {
      problems.push(...reading.problems)
      return []
    }
    return [
      reading.channel.type === 'webhook' && secret !== undefined
        ? { ...reading.channel, secret }
        : reading.channel,
    ]
  })
  if (problems.length > 0) throw new InvalidConfig(problems)
  return { channels, remindersMs: remindersOf(own) ?? remindersOf(shared) ?? DEFAULT_REMINDERS_MS }
}

interface Wanted {
  readonly fields: ChannelFields
  /** Of the file, for messages. */
  readonly place: string
  readonly secret?: string | undefined
}

function channelsOf(alerts: AlertFields | undefined, place: string): Wanted[] {
  return (alerts?.channels ?? []).map((fields, index) => ({ fields, place: `${place}.channels.${index}` }))
}

/** The webhooks that are said in one line: the file's, the queue's, or else that of the environment. */
function inShort({ shared, own, webhook, webhookSecret: secret }: AlertSources, queue: string): Wanted[] {
  const said = [
    { alerts: shared, place: 'alerts' },
    { alerts: own, place: `queues.${queue}.alerts` },
  ].flatMap(({ alerts, place }): Wanted[] => {
    const { webhook: url, webhookEnv: urlEnv } = alerts ?? {}
    return url === undefined && urlEnv === undefined
      ? []
      : [{ fields: { type: 'webhook', url, urlEnv }, place, secret }]
  })
  if (said.length > 0 || webhook === undefined) return said
  return [{ fields: { type: 'webhook', url: webhook }, place: 'CONDUIT_BATCH_ALERT_WEBHOOK', secret }]
}

/** Its own name, or its type: `slack`, and `slack-2` for the second that has none. */
function namesFor(channels: readonly ChannelFields[]): string[] {
  const taken = new Set(channels.map(({ name }) => name))
  return channels.map(({ name, type }) => {
    if (name !== undefined) return name
    let free: string = type
    for (let number = 2; taken.has(free); number++) free = `${type}-${number}`
    taken.add(free)
    return free
  })
}

function remindersOf(alerts: AlertFields | undefined): number[] | null {
  return alerts?.reminders?.map((text) => durationMs(text) ?? 0) ?? null
}
