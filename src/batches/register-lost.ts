import type { DataDirectory } from './data-directory.js'
import { hasEnded } from './ended-mark.js'
import type { Manifest } from './manifest.js'
import { registerBatch } from './register-batch.js'
import { wasRegistered } from './registered-mark.js'
import type { Session } from './session.js'
import { isWorkedOnByAnother } from './writers.js'

/** Ids of batches that Redis had lost. */
export interface LostBatches {
  readonly registered: readonly string[]
  /** Left alone: another process has their files open, so they are no loss of another Redis, or that process tells of them. */
  readonly elsewhere: readonly string[]
}

/**
 * Tells Redis of every unfinished batch of this directory and queue that it does not know: it has lost everything, or
 * the last second. What is in their files is recorded when they are opened, and not called again. One that no Redis ever
 * took, or that another process works on, is not lost.
 */
export async function registerLost(session: Session, directory: DataDirectory): Promise<LostBatches> {
  const all = await directory.list()
  const replaced = new Set(all.flatMap(({ replaces }) => (replaces === null ? [] : [replaces.batch])))
  const lost: { registered: string[]; elsewhere: string[] } = { registered: [], elsewhere: [] }
  for (const manifest of all) {
    if (manifest.queue !== session.queue || replaced.has(manifest.batch)) continue
    if (!(await isLost(manifest, session, directory))) continue
    if (await isWorkedOnByAnother(directory.batch(manifest.batch).directory)) {
      lost.elsewhere.push(manifest.batch)
      continue
    }
    await registerBatch(session, directory, manifest)
    lost.registered.push(manifest.batch)
  }
  return lost
}

async function isLost({ batch }: Manifest, { store }: Session, directory: DataDirectory): Promise<boolean> {
  if ((await store.marks(batch)) !== null) return false
  const own = directory.batch(batch).directory
  return (await wasRegistered(own)) && !(await hasEnded(own))
}
