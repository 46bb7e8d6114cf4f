import { rm } from 'node:fs/promises'
import { forgetIncidents } from '../admission/incidents.js'
import type { DeadLetters } from '../completions/dead-letters/dead-letters.js'
import type { DataDirectory } from './data-directory.js'
import { manifestInRedis, rememberedBatches } from './known-batches.js'
import type { Manifest } from './manifest.js'
import { BatchRunning, purgeBatch } from './purge.js'
import { readBatchSnapshot } from './read-snapshot.js'
import type { Session } from './session.js'
import { type BatchState, isOver } from './states.js'

/** How long what is finished is kept, and how much of it. Times are milliseconds. */
export interface Limits {
  readonly batchesMs: number
  /** Spooled inputs (stdin, `.gz`) of batches that have ended. */
  readonly inputsMs: number
  readonly deadLettersMs: number
  readonly incidentsMs: number
  readonly mostBatches: number
  readonly mostDeadLetters: number
}

/** A batch, as far as it matters for how long it is kept. Times are Unix milliseconds. */
export interface KeptBatch {
  readonly batch: string
  /** Null when Redis does not know it: then nobody knows whether it has ended. */
  readonly state: BatchState | null
  readonly createdAt: number
  readonly finishedAt: number | null
  /** Answers of calls that were in flight at its end may still come. */
  readonly draining: boolean
  readonly spooled: boolean
  /** The batch whose output it has taken over. */
  readonly replaces: string | null
}

/** What is kept no longer. */
export interface Removal {
  readonly batches: readonly string[]
  /** Batches whose spooled input goes; the rest of them stays. */
  readonly inputs: readonly string[]
}

/**
 * What is to be removed: batches that ended too long ago, and the oldest beyond the most that are kept. Never one that
 * runs, may still get answers, or whose answers a running one may need.
 */
export function whatToRemove(batches: readonly KeptBatch[], nowMs: number, limits: Limits): Removal {
  const needed = neededByOpenOnes(batches)
  const ended = batches
    .filter((batch) => hasEnded(batch) && !needed.has(batch.batch))
    .toSorted((a, b) => endOf(b) - endOf(a))
  const isGone = (batch: KeptBatch, newer: number) =>
    newer >= limits.mostBatches || nowMs - endOf(batch) >= limits.batchesMs
  const losesInput = (batch: KeptBatch) => batch.spooled && nowMs - endOf(batch) >= limits.inputsMs
  return {
    batches: ended.filter(isGone).map(({ batch }) => batch),
    inputs: ended
      .filter((batch, newer) => !isGone(batch, newer) && losesInput(batch))
      .map(({ batch }) => batch),
  }
}

/** Whether nothing of a batch goes on. */
export function hasEnded({ state, draining }: Pick<KeptBatch, 'state' | 'draining'>): boolean {
  return state !== null && isOver(state) && !draining
}

function endOf({ finishedAt, createdAt }: KeptBatch): number {
  return finishedAt ?? createdAt
}

/** What a batch that goes on has replaced: those files are all that is left of answers that were paid for. */
function neededByOpenOnes(batches: readonly KeptBatch[]): ReadonlySet<string> {
  const known = new Map(batches.map((batch) => [batch.batch, batch]))
  const needed = new Set<string>()
  for (const open of batches.filter((batch) => !hasEnded(batch))) {
    for (let next = open.replaces; next !== null && !needed.has(next); ) {
      needed.add(next)
      next = known.get(next)?.replaces ?? null
    }
  }
  return needed
}

export interface RetentionDeps {
  readonly session: Session
  readonly directory: DataDirectory
  readonly deadLetters: Pick<DeadLetters, 'purgeBatch' | 'trim'>
  readonly limits: Limits
  readonly nowMs: number
  /** Asked before each batch: a process that stood still may hold an old list of what has ended. */
  readonly isOurs: () => boolean
}

/** What was removed: how many. */
export interface Removed {
  readonly batches: number
  readonly inputs: number
  readonly deadLetters: number
  readonly incidents: number
}

/** Keeps the limits for one queue and one data directory. Doing it again changes nothing. */
export async function enforceRetention(deps: RetentionDeps): Promise<Removed> {
  const { session, directory, deadLetters, limits, nowMs } = deps
  const manifests = (await directory.list()).filter(({ queue }) => queue === session.queue)
  const { batches, inputs } = whatToRemove(await keptBatches(session, manifests), nowMs, limits)
  const known = new Map(manifests.map((manifest) => [manifest.batch, manifest]))
  const gone = batches.flatMap((batch) => known.get(batch) ?? [])
  let purged = 0
  for (const manifest of [...gone, ...(await withoutFiles(deps))]) {
    if (deps.isOurs() && (await purgeUnlessRunning(manifest, deps))) purged++
  }
  const { redis, keys } = session
  let dropped = 0
  for (const batch of inputs) {
    if (!deps.isOurs()) break
    // Its dead letters can only be retried with it; they have a limit of their own.
    if ((await redis.zcard(keys.deadLetters.byBatch(batch))) > 0) continue
    await rm(known.get(batch)?.input.path ?? '', { force: true })
    dropped++
  }
  const bounds = { olderThanMs: nowMs - limits.deadLettersMs, most: limits.mostDeadLetters }
  const trimmed = deps.isOurs() ? await deadLetters.trim(bounds) : 0
  const incidents = deps.isOurs() ? await forgetIncidents(redis, keys, nowMs - limits.incidentsMs) : 0
  return { batches: purged, inputs: dropped, deadLetters: trimmed, incidents }
}

/** Ended batches of this directory of which only keys are left: a crash came in between, or another replaced them. */
async function withoutFiles({ session, directory }: RetentionDeps): Promise<Manifest[]> {
  const { redis, keys } = session
  const found: Manifest[] = []
  for (const batch of await rememberedBatches(session)) {
    if ((await redis.hget(keys.batch(batch), 'directory')) !== directory.id) continue
    const manifest = await manifestInRedis(session, batch)
    if (manifest === null || (await directory.manifest(batch)) !== null) continue
    found.push(manifest)
  }
  const kept = await keptBatches(session, found)
  return found.filter((_, i) => kept[i] !== undefined && hasEnded(kept[i]))
}

/** The batches of one queue, with what Redis knows of them. */
export async function keptBatches(session: Session, manifests: readonly Manifest[]): Promise<KeptBatch[]> {
  const draining = new Set(await session.redis.smembers(session.keys.drainingBatches))
  return Promise.all(
    manifests.map(async ({ batch, createdAt, input, replaces }) => {
      const seen = await readBatchSnapshot(session, batch)
      return {
        batch,
        state: seen?.state ?? null,
        createdAt,
        finishedAt: seen?.finishedAt ?? null,
        draining: draining.has(batch),
        spooled: input.spooled,
        replaces: replaces?.batch ?? null,
      }
    }),
  )
}

/** False when somebody made it run again just now: then it stays. */
async function purgeUnlessRunning(
  manifest: Manifest,
  { session, directory, deadLetters }: RetentionDeps,
): Promise<boolean> {
  const { redis, keys, completions: queue } = session
  try {
    await purgeBatch(manifest, { redis, keys, queue, directory, purgeDeadLetters: deadLetters.purgeBatch })
    return true
  } catch (error) {
    if (error instanceof BatchRunning) return false
    throw error
  }
}
