import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { loadScript, runScript } from '../redis/scripts.js'

const keepScript = loadScript(new URL('./keep-locks.lua', import.meta.url))

/**
 * Keeps the locks of these jobs although Redis is full.
 * @param held token by job id
 */
export async function keepLocks(
  redis: Redis,
  { toKey }: Pick<Queue, 'toKey'>,
  held: ReadonlyMap<string, string>,
  lockMs: number,
): Promise<void> {
  const locks = [...held.keys()].map((id) => toKey(`${id}:lock`))
  if (locks.length > 0) await runScript(redis, keepScript, locks, [lockMs, ...held.values()])
}
