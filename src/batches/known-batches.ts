import type { DataDirectory } from './data-directory.js'
import { type Manifest, manifestSchema } from './manifest.js'
import type { Session } from './session.js'

const SCAN_COUNT = 1000

/** What Redis says a batch is; null when it does not know it, or it is none of a file (a producer's inbox). */
export async function manifestInRedis({ redis, keys }: Session, batch: string): Promise<Manifest | null> {
  const raw = await redis.hget(keys.batch(batch), 'manifest')
  if (raw === null) return null
  try {
    return manifestSchema.parse(JSON.parse(raw))
  } catch {
    // Of another version: nothing that a command of this one could show.
    return null
  }
}

/** Batches of one queue that are worked on now, or whose last answers are on their way. Cheap. */
export async function liveBatches({ redis, keys }: Session): Promise<string[]> {
  return [...new Set(await redis.sunion(keys.activeBatches, keys.drainingBatches))]
}

/** Every batch of one queue that Redis remembers, ended ones included. Looks at every key: not for a loop. */
export async function rememberedBatches({ redis, keys }: Session): Promise<string[]> {
  const prefix = keys.batch('')
  const found = new Set<string>()
  for await (const names of redis.scanStream({ match: `${prefix}b*`, count: SCAN_COUNT })) {
    for (const name of names as string[]) {
      const id = name.slice(prefix.length)
      if (isBatchId(id)) found.add(id)
    }
  }
  return [...found]
}

/** Whether a text is a whole batch id. */
export function isBatchId(text: string): boolean {
  return /^b[0-9a-f]{12}$/.test(text)
}

/** A batch that somebody knows: this data directory, or Redis. */
export interface KnownBatch {
  readonly manifest: Manifest
  /** Its files lie in this data directory. */
  readonly here: boolean
}

/**
 * The batches of a data directory, and of one queue's ids in Redis. No batch twice.
 * @param directory null when there is none
 */
export async function knownBatches(
  directory: DataDirectory | null,
  sessions: readonly Session[],
  idsOf: (session: Session) => Promise<string[]>,
): Promise<KnownBatch[]> {
  const own = (await directory?.list()) ?? []
  const known = new Map<string, KnownBatch>(own.map((manifest) => [manifest.batch, { manifest, here: true }]))
  for (const session of sessions) {
    const ids = (await idsOf(session)).filter((id) => !known.has(id))
    const manifests = await Promise.all(ids.map((id) => manifestInRedis(session, id)))
    for (const manifest of manifests) {
      if (manifest !== null) known.set(manifest.batch, { manifest, here: false })
    }
  }
  return [...known.values()]
}
