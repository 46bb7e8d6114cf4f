/**
 * Longer than any live worker needs to be heard of again after a Redis restart that we got over first: ioredis waits
 * up to 10 s for a Redis that loads its data, a reconnection up to 5 s (redis/connect.ts); then comes a beat.
 */
const LONG_LATE_MS = 12_000
/** Looks are half a second apart; after a longer gap we were away ourselves, and saw nobody being late. */
const AWAY_MS = 2000

/** What successful looks at the heartbeats have shown so far. */
export interface Looks {
  /** When the last one was. */
  readonly atMs: number
  /** Since when each worker was late in every look, without a gap. */
  readonly lateSince: ReadonlyMap<string, number>
}

export const NO_LOOKS: Looks = { atMs: Number.NEGATIVE_INFINITY, lateSince: new Map() }

/**
 * Adds a look to those before.
 * @param late the workers whose heartbeat was missed as of now
 * @param nowMs a monotonic clock, read after Redis has answered
 */
export function addLook(before: Looks, late: Iterable<string>, nowMs: number): Looks {
  const known: Looks['lateSince'] = nowMs - before.atMs > AWAY_MS ? new Map() : before.lateSince
  const lateSince = new Map([...late].map((worker) => [worker, known.get(worker) ?? nowMs]))
  return { atMs: nowMs, lateSince }
}

/** The workers that were late for so long, look by look, that they are dead. */
export function longLate({ atMs, lateSince }: Looks): string[] {
  return [...lateSince].filter(([, sinceMs]) => atMs - sinceMs >= LONG_LATE_MS).map(([worker]) => worker)
}
