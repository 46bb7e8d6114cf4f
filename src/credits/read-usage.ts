import type { Redis } from 'ioredis'
import { sumGauges } from '../admission/gauges.js'
import { FRESH_HEARTBEAT_MS } from '../completions/fleet.js'
import { COMPLETIONS } from '../completions/queues.js'
import type { QueueKeys } from '../redis/keys.js'
import type { Seen, Totals } from './sightings.js'

/** What of a queue bears on its account, now. */
export type UsageNow = Omit<Seen, 'balanceCents'>

/** Reads what was answered so far, and how many calls are out. */
export async function readUsage(redis: Redis, keys: QueueKeys): Promise<UsageNow> {
  const [time, used, gauges, beats, inHand] = await Promise.all([
    redis.time(),
    redis.hgetall(keys.usage),
    redis.hgetall(keys.gauges),
    redis.zrange(keys.workers, '0', '-1', 'WITHSCORES'),
    redis.llen(`${keys.bullPrefix}:${COMPLETIONS}:active`),
  ])
  const at = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000)
  const isFresh = (beat: string | undefined) => at - Number(beat) <= FRESH_HEARTBEAT_MS
  const alive = beats.filter((_, i) => i % 2 === 0 && isFresh(beats[i + 1]))
  return { at, totals: totalsOf(used), inFlight: sumGauges(gauges, alive).inFlight, inHand }
}

/** Sums the fields `used:answers|chars|prompt|completion:<model>` that `record.lua` counts, over all models. */
export function totalsOf(used: Readonly<Record<string, string>>): Totals {
  const sum = (name: string) =>
    Object.entries(used).reduce(
      (total, [field, count]) => (field.startsWith(`used:${name}:`) ? total + Number(count) : total),
      0,
    )
  return {
    answers: sum('answers'),
    chars: sum('chars'),
    promptTokens: sum('prompt'),
    completionTokens: sum('completion'),
  }
}
