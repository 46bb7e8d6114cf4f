import type { Redis } from 'ioredis'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript, type Script } from '../redis/scripts.js'
import type { Incident } from './hold.js'

const INCIDENT = new URL('./incident.lua', import.meta.url)

/** Loads a script that touches incidents, behind what it needs for that. @param parts further files, before it */
export function loadIncidentScript(url: URL, ...parts: readonly URL[]): Script {
  return loadScript(url, INCIDENT, ...parts)
}

/** The keys that `incident.lua` needs, in its order. */
export function incidentKeys(keys: QueueKeys): string[] {
  return [keys.incident, keys.outbox, keys.incidents, keys.activeBatches, keys.inbox.batch]
}

const remindScript = loadIncidentScript(new URL('./remind.lua', import.meta.url))
const noteScript = loadIncidentScript(new URL('./note-incident.lua', import.meta.url))

/**
 * Looks after the incident that is open, by Redis's clock: puts a reminder into the outbox when one is due, all that were
 * missed being one; resolves one that was lifted when nothing waits any more. For any process, as often as it likes.
 *
 * @param remindersMs after how long, since the first hold or the last reason that joined; the last one repeats
 */
export async function tendIncident(
  redis: Redis,
  keys: QueueKeys,
  remindersMs: readonly number[],
): Promise<'reminded' | 'resolved' | 'nothing'> {
  const reply = await runScript(redis, remindScript, incidentKeys(keys), [...remindersMs])
  return reply as 'reminded' | 'resolved' | 'nothing'
}

/**
 * Notes what waited when the alert of an incident was made, and about what that will cost (null: nobody can tell). The
 * first note stays; a cost that nobody could tell then may follow.
 */
export async function noteIncident(
  redis: Redis,
  keys: QueueKeys,
  id: string,
  { waiting, costToFinishCents }: Pick<Incident, 'costToFinishCents'> & { readonly waiting: number },
): Promise<void> {
  await runScript(redis, noteScript, incidentKeys(keys), [id, waiting, costToFinishCents ?? ''])
}

/** The incident that holds the queue now while nobody could tell yet what it will cost to finish; null: there is none. */
export async function readUncosted(
  redis: Redis,
  keys: QueueKeys,
): Promise<{ readonly id: string; readonly waiting: number } | null> {
  const raw = await redis.get(keys.incident)
  if (raw === null) return null
  const { id, waiting, costToFinishCents, liftedAt } = JSON.parse(raw) as Incident
  return waiting === null || costToFinishCents !== null || liftedAt !== null ? null : { id, waiting }
}

/** Incidents of a queue, the newest first: the open one, and those of the past that are kept (200 at most). */
export async function readIncidents(redis: Redis, keys: QueueKeys, limit: number): Promise<Incident[]> {
  const both = redis
    .multi()
    .get(keys.incident)
    .lrange(keys.incidents, 0, Math.max(0, limit - 1))
  const [open, past] = ((await both.exec()) ?? []).map(([error, reply]) => {
    if (error !== null) throw error
    return reply
  }) as [string | null, string[]]
  const all = [...(open === null ? [] : [open]), ...past]
  return all.slice(0, limit).map((raw) => JSON.parse(raw) as Incident)
}

/** Forgets incidents that were over before a moment (Unix ms). Gives how many. */
export async function forgetIncidents(redis: Redis, keys: QueueKeys, beforeMs: number): Promise<number> {
  for (let forgotten = 0; ; forgotten++) {
    const [oldest] = await redis.lrange(keys.incidents, -1, -1)
    if (oldest === undefined) return forgotten
    if (((JSON.parse(oldest) as Incident).resolvedAt ?? 0) >= beforeMs) return forgotten
    // By what it is: another process may have taken it meanwhile.
    await redis.lrem(keys.incidents, -1, oldest)
  }
}
