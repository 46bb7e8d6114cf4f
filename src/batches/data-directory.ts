import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { currentProcess, formatProcess, isAlive, isSameHost, parseProcess } from '../process-identity.js'
import { asDiskTrouble, writingTo } from './disk-trouble.js'
import { type Manifest, manifestSchema } from './manifest.js'

/** A file of the data directory does not hold what it should. */
export class DataDirectoryDamaged extends Error {
  readonly code = 'data_directory_damaged'
}

/** There can't be a data directory where one is wanted. */
export class DataDirectoryUnusable extends Error {
  readonly code = 'data_directory_unusable'
}

/** The place of everything that must outlive a process: manifests, spooled input, answers, the private Redis. */
export interface DataDirectory {
  readonly path: string
  /** Names this directory among others on the same Redis. */
  readonly id: string
  readonly batches: string
  batch(id: string): BatchPaths
  /** A directory for a batch in the making; it becomes a batch by `adopt`. */
  staging(): Promise<string>
  /** Turns a staging directory into the batch's own. */
  adopt(staging: string, manifest: Manifest): Promise<void>
  manifest(id: string): Promise<Manifest | null>
  list(): Promise<Manifest[]>
  /** What a batch replaced, and what that had replaced before: oldest first. */
  replaced(manifest: Manifest): Promise<Replaced[]>
  /** Removes the files of a batch; nothing when they are gone. */
  remove(id: string): Promise<void>
  /** Which batch last claimed this output (or errors file), if any. */
  outputOwner(output: string): Promise<OutputOwner | null>
  /** Makes a batch the owner; with `over` null only when there is none yet. False when another was faster. */
  claimOutput(output: string, owner: OutputOwner, over: OutputOwner | null): Promise<boolean>
  /** Forgets that a batch claimed this output; nothing when another has it by now. */
  releaseOutput(output: string, batch: string): Promise<void>
}

/** The files of one batch. `results` and `errors` are its own copies; what the user sees is linked to them. */
export interface BatchPaths {
  readonly directory: string
  readonly manifest: string
  readonly results: string
  readonly errors: string
}

export interface OutputOwner {
  readonly batch: string
  readonly identity: string
}

export type Replaced = NonNullable<Manifest['replaces']>

/** Writes a file so that it is there whole or not at all, and survives a power cut. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncDirectory(dirname(path))
}

/** Makes new names in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function readId(path: string): Promise<string> {
  const file = join(path, 'id')
  for (;;) {
    const id = (await readIfThere(file))?.trim()
    if (id) return id
    const draft = `${file}.${randomUUID()}.tmp`
    try {
      await writeFile(draft, randomUUID().slice(0, 8), { flag: 'wx', mode: 0o600, flush: true })
      // Of two processes that start at once, one link wins, and both read the same id.
      await link(draft, file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      await rm(draft, { force: true })
    }
  }
}

function parseManifest(raw: string, path: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(raw))
  } catch {
    throw new DataDirectoryDamaged(
      `${path} is not a batch manifest of this version; move it away and run again`,
    )
  }
}

const STAGING = '.new-'

/** Removes what processes that died while they staged, or while they removed a batch, have left. */
async function sweepStaging(batches: string): Promise<void> {
  for (const name of await readdir(batches)) {
    if (!name.startsWith(STAGING)) continue
    const owner = parseProcess(name.slice(STAGING.length).split('.')[0] ?? '')
    if (owner === null || (isSameHost(owner) && !isAlive(owner))) {
      await rm(join(batches, name), { recursive: true, force: true })
    }
  }
}

/** Makes a directory for its owner only, where there is none. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (asDiskTrouble(error, path) !== error) throw error
    const why = error.code === 'EEXIST' || error.code === 'ENOTDIR' ? 'a file is in its place' : error.code
    throw new DataDirectoryUnusable(
      `There can be no data directory ${path} (${why}). Name another with --data-dir or CONDUIT_BATCH_DATA_DIR.`,
    )
  })
}

/** Opens the data directory where there is one already; makes nothing. */
export async function findDataDirectory(path: string): Promise<DataDirectory | null> {
  return existsSync(join(path, 'batches')) ? openDataDirectory(path) : null
}

/**
 * Opens the data directory, making it (mode 700) when it is not there.
 * @throws DataDirectoryUnusable, DiskFull, DiskUnwritable
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const root = resolve(path)
  const batches = join(root, 'batches')
  const outputs = join(root, 'outputs')
  const id = await writingTo(root, async () => {
    for (const directory of [root, batches, outputs]) await makeDirectory(directory)
    return readId(root)
  })

  const batch = (name: string): BatchPaths => {
    const directory = join(batches, name)
    return {
      directory,
      manifest: join(directory, 'batch.json'),
      results: join(directory, 'results.jsonl'),
      errors: join(directory, 'errors.jsonl'),
    }
  }
  const readManifest = async (name: string): Promise<Manifest | null> => {
    const { manifest } = batch(name)
    const raw = await readIfThere(manifest)
    return raw === null ? null : parseManifest(raw, manifest)
  }
  const ownerFile = (output: string) =>
    join(outputs, `${createHash('sha256').update(output).digest('hex').slice(0, 32)}.json`)

  const readOwner = async (output: string): Promise<OutputOwner | null> => {
    const raw = await readIfThere(ownerFile(output))
    return raw === null ? null : (JSON.parse(raw) as OutputOwner)
  }
  const newStaging = () => join(batches, `${STAGING}${formatProcess(currentProcess())}.${randomUUID()}`)

  return {
    path: root,
    id,
    batches,
    batch,
    async staging() {
      await sweepStaging(batches)
      const directory = newStaging()
      await mkdir(directory, { mode: 0o700 })
      return directory
    },
    async adopt(staging, manifest) {
      await writeDurably(join(staging, 'batch.json'), `${JSON.stringify(manifest, null, 2)}\n`)
      await rename(staging, batch(manifest.batch).directory)
      await syncDirectory(batches)
    },
    manifest: readManifest,
    async list() {
      const names = (await readdir(batches)).filter((name) => /^b[0-9a-f]{12}$/.test(name))
      const manifests = await Promise.all(names.map(readManifest))
      return manifests.filter((manifest) => manifest !== null).sort((a, b) => a.createdAt - b.createdAt)
    },
    async replaced(manifest) {
      const found: Replaced[] = []
      for (let next = manifest.replaces; next !== null; ) {
        found.unshift(next)
        next = (await readManifest(next.batch))?.replaces ?? null
      }
      return found
    },
    async remove(name) {
      // Under another name first: what a crash leaves of it is no batch any more, and is swept.
      const doomed = newStaging()
      try {
        await rename(batch(name).directory, doomed)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
        throw error
      }
      await rm(doomed, { recursive: true, force: true })
    },
    outputOwner: readOwner,
    async claimOutput(output, owner, over) {
      const file = ownerFile(output)
      if (over !== null) {
        await writeDurably(file, JSON.stringify(owner))
        return true
      }
      const draft = `${file}.${randomUUID()}.tmp`
      await writeDurably(draft, JSON.stringify(owner))
      try {
        await link(draft, file)
        return true
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
        throw error
      } finally {
        await rm(draft)
      }
    },
    async releaseOutput(output, name) {
      if ((await readOwner(output))?.batch === name) await rm(ownerFile(output), { force: true })
    },
  }
}
