import { type ChannelHealth, readChannelHealth } from '../../alerts/channel-health.js'
import type { ChannelSettings } from '../../alerts/settings.js'
import type { Session } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { suggested } from '../text/suggest.js'
import { NothingHere, type Visit, visit } from '../visit.js'

/** No channel is set up, where one was asked for. */
export class NoChannels extends Error {
  readonly code = 'no_channels'
}

/** There is no channel of that name. */
export class UnknownChannel extends Error {
  readonly code = 'unknown_channel'
}

/** What to do about that nobody is told, as the end of a sentence. */
export const HOW_TO_SET_UP =
  'set CONDUIT_BATCH_ALERT_WEBHOOK to a URL, or name channels in the file of settings (docs/alerts.md)'

/** A channel of one queue. */
export interface QueueChannel {
  readonly queue: string
  readonly settings: ChannelSettings
}

/** The channels of these queues. @throws UnknownQueue, InvalidConfig */
export function channelsOf(config: Config, queues: readonly string[]): QueueChannel[] {
  return queues.flatMap((queue) =>
    config.queue(queue).alerts.channels.map((settings) => ({ queue, settings })),
  )
}

/** The one that was asked for, or all. @throws UnknownChannel, NoChannels */
export function chosen(all: readonly QueueChannel[], name: string | undefined): readonly QueueChannel[] {
  if (all.length === 0) throw new NoChannels(`There is no channel, so nobody is told: ${HOW_TO_SET_UP}`)
  if (name === undefined) return all
  const own = all.filter(({ settings }) => settings.name === name)
  if (own.length > 0) return own
  const known = [...new Set(all.map(({ settings }) => settings.name))].join(', ')
  throw new UnknownChannel(
    `There is no channel ${JSON.stringify(name)}; there are: ${known}. See: ${suggested('conduit-batch alerts list')}`,
  )
}

/** What a queue's channels fare like; nothing where nothing has run yet. */
export async function healthOf(
  config: Config,
  queues: readonly string[],
): Promise<Map<string, ChannelHealth[]>> {
  const look = async ({ session }: Visit) =>
    new Map(
      await Promise.all(
        queues.map(async (queue) => [queue, await readHealth(await session(queue))] as const),
      ),
    )
  try {
    return await visit(config, look)
  } catch (error) {
    if (error instanceof NothingHere) return new Map()
    throw error
  }
}

function readHealth({ redis, keys }: Session): Promise<ChannelHealth[]> {
  return readChannelHealth(redis, keys)
}
