import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { QueueKeys } from '../../redis/keys.js'
import { loadScript, runScript } from '../../redis/scripts.js'

/** Local functions of every script that gives turns. */
export const TURN_FUNCTIONS = new URL('./turn.lua', import.meta.url)

const takeScript = loadScript(new URL('./take-turns.lua', import.meta.url), TURN_FUNCTIONS)

export interface TurnsDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  /** BullMQ's, of the completions. */
  readonly queue: Pick<Queue, 'toKey'>
}

/** The keys that `turnNow` and `takeTurns` look at, in the order of take-turns.lua. */
export function turnKeys({ keys, queue }: Omit<TurnsDeps, 'redis'>): string[] {
  return [queue.toKey('prioritized'), queue.toKey('active'), queue.toKey('delayed'), keys.turns]
}

/**
 * The turns of the next requests of a batch: BullMQ priorities, lowest first, so that batches share the calls by their
 * weights (turn.lua). Every job must have one, for BullMQ runs jobs without a priority before all others.
 */
export async function takeTurns(batch: string, count: number, deps: TurnsDeps): Promise<number[]> {
  if (count === 0) return []
  const names = [...turnKeys(deps), deps.keys.batch(batch)]
  return (await runScript(deps.redis, takeScript, names, [batch, count])) as number[]
}
