import { findDataDirectory } from '../../batches/data-directory.js'
import { directoryUsage } from '../../batches/usage.js'
import { createDeadLetters } from '../../completions/dead-letters/dead-letters.js'
import type { Config } from '../../config.js'
import { formatBytes, formatCount, formatCounted, formatDuration } from '../text/format.js'
import { suggested } from '../text/suggest.js'
import { type Visit, visit } from '../visit.js'
import type { Finding } from './finding.js'

/** From this share of the most that is kept on, somebody may want to look at dead letters before the oldest go. */
const NEARLY_ALL = 0.9

/** What is kept of batches on disk, and for how long; nothing before the first run. */
export async function checkFiles({ dataDirectory, retention }: Config): Promise<Finding[]> {
  const directory = await findDataDirectory(dataDirectory)
  if (directory === null) return []
  const { batches, bytes, spooledInputs, spooledBytes } = await directoryUsage(directory)
  const count = formatCounted(batches, 'batch', 'batches')
  const inputs = formatCounted(spooledInputs, 'spooled input', 'spooled inputs')
  return [
    {
      check: 'batches',
      level: 'ok',
      text:
        `${count} here (${formatBytes(bytes)}); what has ended is kept for ` +
        `${formatDuration(retention.batchesMs)}, at most ${formatCount(retention.mostBatches)} a queue`,
    },
    {
      check: 'inputs',
      level: 'ok',
      text: `${inputs} (${formatBytes(spooledBytes)}), kept for ${formatDuration(retention.inputsMs)} after the end`,
    },
  ]
}

/** How many dead letters there are. Asks Redis, so only where that can be used. */
export async function checkDeadLetters(config: Config): Promise<Finding> {
  const { deadLettersMs, mostDeadLetters } = config.retention
  const look = async ({ queues, session }: Visit) => {
    const sessions = await Promise.all((await queues()).map(session))
    return Promise.all(
      sessions.map(({ redis, keys, deadLetters }) => createDeadLetters(redis, keys, deadLetters).count({})),
    )
  }
  // What the server's settings may cost is told by the check of Redis.
  const counts = await visit(config, look, () => {})
  const all = counts.reduce((sum, count) => sum + count, 0)
  const isFull = Math.max(0, ...counts) >= mostDeadLetters * NEARLY_ALL
  const full =
    `: the oldest go first. Retry or discard them (${suggested('conduit-batch dead-letters list')}), or raise ` +
    'retention.mostDeadLetters in the config file'
  return {
    check: 'dead',
    level: isFull ? 'warn' : 'ok',
    text:
      `${formatCounted(all, 'dead letter', 'dead letters')}, kept for ${formatDuration(deadLettersMs)}, ` +
      `at most ${formatCount(mostDeadLetters)} a queue${isFull ? full : ''}`,
  }
}
