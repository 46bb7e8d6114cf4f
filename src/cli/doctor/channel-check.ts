import { type Config, InvalidConfig } from '../../config.js'
import { channelsOf, HOW_TO_SET_UP, healthOf } from '../alerts/channels.js'
import { failsNow, failureWords } from '../text/channel-words.js'
import { formatCounted } from '../text/format.js'
import { suggested } from '../text/suggest.js'
import type { Finding } from './finding.js'

/** Would anybody be told? Asks Redis how channels fare, so only where that can be used; no alert is sent. */
export async function checkChannels(config: Config): Promise<Finding[]> {
  const queues = config.queues.filter((queue) => isComplete(config, queue))
  const health = await healthOf(config, queues)
  const several = queues.length > 1
  return queues.map((queue) => {
    const names = channelsOf(config, [queue]).map(({ settings }) => settings.name)
    const failing = (health.get(queue) ?? []).filter(
      (each) => names.includes(each.channel) && failsNow(each, Date.now()),
    )
    return { check: 'alerts', ...(several ? { queue } : {}), ...inWords(names, failing) }
  })
}

function inWords(
  names: readonly string[],
  failing: readonly Parameters<typeof failureWords>[0][],
): Pick<Finding, 'level' | 'text'> {
  if (names.length === 0)
    return { level: 'ok', text: `no channel, only the log; to be told, ${HOW_TO_SET_UP}` }
  if (failing.length > 0) {
    const words = failing.map((each) => failureWords(each, Date.now())).join('; ')
    return { level: 'warn', text: `${words}. Try it: ${suggested('conduit-batch alerts test')}` }
  }
  return { level: 'ok', text: `${formatCounted(names.length, 'channel', 'channels')}: ${names.join(', ')}` }
}

/** What is missing is told by the check of the queue. */
function isComplete(config: Config, queue: string): boolean {
  try {
    config.queue(queue)
    return true
  } catch (error) {
    if (error instanceof InvalidConfig) return false
    throw error
  }
}
