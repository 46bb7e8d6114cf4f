import { type Endings, sumEndings } from '../admission/endings.js'
import { FRESH_HEARTBEAT_MS } from '../completions/fleet.js'
import { accountIsSilent } from '../credits/looks.js'
import type { Session } from './session.js'

/** The workers of a queue that live, with what they wrote down of themselves. */
export interface LiveWorkers {
  readonly alive: readonly string[]
  readonly gauges: Readonly<Record<string, string>>
  /** What they do for pauses to end. */
  readonly endings: Endings
}

/** Who works on a queue now. A top-up is not seen while the account does not answer. */
export async function readLiveWorkers({ redis, keys }: Session): Promise<LiveWorkers> {
  const [time, gauges, silent] = await Promise.all([
    redis.time(),
    redis.hgetall(keys.gauges),
    accountIsSilent(redis, keys),
  ])
  const freshFrom = Number(time[0]) * 1000 - FRESH_HEARTBEAT_MS
  const alive = await redis.zrangebyscore(keys.workers, freshFrom, '+inf')
  const { autoResume, topUps } = sumEndings(gauges, alive)
  return { alive, gauges, endings: { autoResume, topUps: topUps && !silent } }
}
