import { INBOX_LEASE } from '../src/batches/inbox/inbox-collector.js'
import type { Manifest } from '../src/batches/manifest.js'
import { readQueueSnapshot } from '../src/batches/read-snapshot.js'
import type { Session } from '../src/batches/session.js'
import type { HoldNow } from '../src/batches/snapshot.js'
import { INBOX_BATCH } from '../src/completions/request.js'

/** What a process of workers wants to know of a queue again and again. */
export interface QueueLook {
  readonly holds: readonly HoldNow[]
  readonly probing: boolean
  /** Conduit is out, and since when if that is known (Unix ms, Redis time); null: it is not. */
  readonly outage: { readonly since: number | null } | null
  /** Processes that make its calls. */
  readonly workers: number
  /** Requests in the queue: waiting, out, or waiting for another try. */
  readonly requests: number
  /** Active batches, whichever data directory they are in. */
  readonly activeBatches: number
  /** Batches of this process's data directory that were ended early and are not yet all in files. */
  readonly drainingBatches: number
  /** Data directories with active batches where nobody feeds and collects. */
  readonly unserved: readonly UnservedDirectory[]
  /** Endings of single requests that are to be collected, and retries of them that are to be fed. */
  readonly inbox: number
  /** Whether some process does that. */
  readonly inboxServed: boolean
}

export interface UnservedDirectory {
  readonly directory: string
  readonly batches: readonly string[]
  /** Where the first of them writes its answers: what tells a person which directory is meant. */
  readonly output: string
}

/**
 * Looks at a queue; waits for Redis when it is away.
 * @param own id of the data directory that this process serves; null when it serves none
 */
export async function lookAtQueue(session: Session, own: string | null): Promise<QueueLook> {
  const { redis, keys } = session
  const [snapshot, active, draining, endings, retries, inboxLease] = await Promise.all([
    readQueueSnapshot(session),
    byDirectory(session, keys.activeBatches),
    byDirectory(session, keys.drainingBatches),
    redis.xlen(keys.stream(INBOX_BATCH)),
    redis.zcard(keys.retries(INBOX_BATCH)),
    redis.exists(keys.lease(INBOX_LEASE)),
  ])
  const unserved: UnservedDirectory[] = []
  for (const [directory, batches] of active) {
    if ((await redis.exists(keys.lease(directory))) === 1) continue
    unserved.push({ directory, batches, output: await outputOf(session, batches[0] ?? '') })
  }
  return {
    holds: snapshot.holds,
    probing: snapshot.probing,
    outage: snapshot.pace.state === 'outage' ? { since: snapshot.pace.since } : null,
    workers: snapshot.workers,
    requests: snapshot.waiting + snapshot.active + snapshot.delayed,
    activeBatches: [...active.values()].reduce((sum, batches) => sum + batches.length, 0),
    drainingBatches: own === null ? 0 : (draining.get(own)?.length ?? 0),
    unserved,
    inbox: endings + retries,
    inboxServed: inboxLease === 1,
  }
}

/** Whether nothing of a queue is left to be done here. */
export function isIdle({ activeBatches, drainingBatches, requests, inbox }: QueueLook): boolean {
  return activeBatches + drainingBatches + requests + inbox === 0
}

async function byDirectory({ redis, keys }: Session, set: string): Promise<Map<string, string[]>> {
  const batches = (await redis.smembers(set)).sort()
  const directories = await Promise.all(batches.map((batch) => redis.hget(keys.batch(batch), 'directory')))
  const found = new Map<string, string[]>()
  for (const [i, batch] of batches.entries()) {
    const directory = directories[i] ?? ''
    const others = found.get(directory)
    if (others === undefined) found.set(directory, [batch])
    else others.push(batch)
  }
  return found
}

async function outputOf({ redis, keys }: Session, batch: string): Promise<string> {
  const manifest = await redis.hget(keys.batch(batch), 'manifest')
  return manifest === null ? '' : (JSON.parse(manifest) as Manifest).output
}
