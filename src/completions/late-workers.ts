/**
 * Longer than any live worker needs to be heard of again after a Redis restart that we got over first: it looks for
 * Redis at least every 1.1 s, and for the end of its loading every second (redis/connect.ts); then comes a beat. The
 * rest is for an event loop that is late.
 */
const DEAD_AFTER_MS = 6000
/** Looks are half a second apart; on a machine where they are not, time alone proves nothing. */
const LEAST_LOOKS = 6
/** After a longer gap between answers we were away ourselves, or Redis was: nobody was seen being silent. */
const AWAY_MS = 2000

/** What successful looks at the heartbeats have shown so far. */
export interface Looks {
  /** When the last one was sent, and answered. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
  readonly streaks: ReadonlyMap<string, Streak>
}

/** Looks in a row, without a gap, that all found the same heartbeat of a worker. */
interface Streak {
  readonly heartbeat: number
  /** When the first of them was answered. */
  readonly sinceMs: number
  readonly looks: number
}

export const NO_LOOKS: Looks = {
  askedAtMs: Number.NEGATIVE_INFINITY,
  answeredAtMs: Number.NEGATIVE_INFINITY,
  streaks: new Map(),
}

/** One look: what it found, and when on a monotonic clock. */
export interface Look {
  readonly heartbeats: ReadonlyMap<string, number>
  readonly askedAtMs: number
  readonly answeredAtMs: number
}

/** Adds a look to those before. */
export function addLook(before: Looks, { heartbeats, askedAtMs, answeredAtMs }: Look): Looks {
  const known: Looks['streaks'] = answeredAtMs - before.answeredAtMs > AWAY_MS ? new Map() : before.streaks
  const streaks = new Map<string, Streak>()
  for (const [worker, heartbeat] of heartbeats) {
    const streak = known.get(worker)
    const goesOn = streak?.heartbeat === heartbeat
    streaks.set(
      worker,
      goesOn ? { ...streak, looks: streak.looks + 1 } : { heartbeat, sinceMs: answeredAtMs, looks: 1 },
    )
  }
  return { askedAtMs, answeredAtMs, streaks }
}

/** The workers whose heartbeat has stood still for so many looks and so long that they are dead. */
export function silentWorkers({ askedAtMs, streaks }: Looks): string[] {
  // From an answer to a question: at least so much time has passed in Redis, however late we were.
  return [...streaks]
    .filter(([, { sinceMs, looks }]) => looks >= LEAST_LOOKS && askedAtMs - sinceMs >= DEAD_AFTER_MS)
    .map(([worker]) => worker)
}
