import { accessRedis } from '../../batches/session.js'
import type { Config } from '../../config.js'
import { connectRedis } from '../../redis/connect.js'
import { assertDurable, inspectRedis } from '../../redis/inspect.js'
import { describeTarget } from '../../redis/target.js'
import { formatBytes } from '../text/format.js'
import type { Finding } from './finding.js'

/** Is Redis there, new enough, does it keep what it is given? */
export async function checkRedis(config: Config): Promise<Finding[]> {
  try {
    const access = await accessRedis(config, () => {})
    try {
      const redis = await connectRedis(access.target, 'client')
      try {
        const seen = await inspectRedis(redis)
        const warnings = assertDurable(seen)
        const { server, version, maxmemoryPolicy, appendOnly, usedMemoryBytes } = seen
        const facts = [
          `${server} ${version} at ${describeTarget(access.target)}`,
          `policy ${maxmemoryPolicy ?? 'unknown'}`,
          `AOF ${appendOnly === null ? 'unknown' : appendOnly ? 'on' : 'off'}`,
          `${formatBytes(usedMemoryBytes)} in use`,
        ]
        return [
          { check: 'redis', level: 'ok', text: facts.join(', ') },
          ...warnings.map((text) => ({ check: 'redis', level: 'warn' as const, text })),
        ]
      } finally {
        redis.disconnect()
      }
    } finally {
      await access.leave()
    }
  } catch (error) {
    return [{ check: 'redis', level: 'bad', text: (error as Error).message }]
  }
}
