import type { DataDirectory } from './data-directory.js'
import { hasEnded } from './ended-mark.js'
import type { Manifest } from './manifest.js'
import { registerBatch } from './register-batch.js'
import type { Session } from './session.js'

/**
 * Tells Redis of every unfinished batch of this directory and queue that it does not know: it has lost everything, or
 * the last second. What is in their files is recorded when they are opened, and not called again.
 *
 * @returns which batches these were
 */
export async function registerLost(session: Session, directory: DataDirectory): Promise<string[]> {
  const all = await directory.list()
  const replaced = new Set(all.flatMap(({ replaces }) => (replaces === null ? [] : [replaces.batch])))
  const told: string[] = []
  for (const manifest of all) {
    if (manifest.queue !== session.queue || replaced.has(manifest.batch)) continue
    if (!(await isLost(manifest, session, directory))) continue
    await registerBatch(session, directory, manifest)
    told.push(manifest.batch)
  }
  return told
}

async function isLost({ batch }: Manifest, { store }: Session, directory: DataDirectory): Promise<boolean> {
  if ((await store.marks(batch)) !== null) return false
  return !(await hasEnded(directory.batch(batch).directory))
}
