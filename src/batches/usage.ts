import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataDirectory } from './data-directory.js'

/** What a data directory holds. A file with two names (answers under their final name) counts here too. */
export interface DirectoryUsage {
  readonly batches: number
  /** Of all files of all batches, spooled inputs included. */
  readonly bytes: number
  readonly spooledInputs: number
  readonly spooledBytes: number
}

/** Counts the batches of a data directory and their bytes. */
export async function directoryUsage(directory: DataDirectory): Promise<DirectoryUsage> {
  let bytes = 0
  let spooledInputs = 0
  let spooledBytes = 0
  const manifests = await directory.list()
  for (const { batch, input } of manifests) {
    bytes += await bytesIn(directory.batch(batch).directory)
    const spooled = input.spooled ? await sizeOf(input.path) : null
    if (spooled === null) continue
    spooledInputs++
    spooledBytes += spooled
  }
  return { batches: manifests.length, bytes, spooledInputs, spooledBytes }
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => [])
  const sizes = await Promise.all(names.map((name) => sizeOf(join(directory, name))))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

/** Null for what is gone: a batch may be removed meanwhile. */
async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  )
}
