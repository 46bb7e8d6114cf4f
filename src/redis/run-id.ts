import type { Redis } from 'ioredis'

/**
 * Which run of a Redis server this is: another after every restart, and on another server. '' where it is not told
 * (some services hide it), and then a restart goes unnoticed.
 */
export async function readRunId(redis: Redis): Promise<string> {
  try {
    return runIdIn(await redis.info('server'))
  } catch (error) {
    if (error instanceof Error && /^(ERR|NOPERM)/.test(error.message)) return ''
    throw error
  }
}

/** Finds it in what INFO says. */
export function runIdIn(info: string): string {
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}
