import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './links.js'

/** A disk has no room left, or a quota is used up. */
export class DiskFull extends Error {
  readonly code = 'disk_full'

  constructor(path: string, cause: string) {
    super(`There is no room left on the disk of ${path} (${cause}). Free some space there`)
    this.name = 'DiskFull'
  }
}

/** A disk can't be written to for another reason that a person must mend. */
export class DiskUnwritable extends Error {
  readonly code = 'disk_unwritable'

  constructor(path: string, cause: string) {
    super(`The disk of ${path} can't be written to (${cause}). Mend it, or mount it for writing`)
    this.name = 'DiskUnwritable'
  }
}

/**
 * Gives DiskFull or DiskUnwritable for what the system says of a disk, and any other error as it is.
 * @param path what was being written, where the error itself does not say
 */
export function asDiskTrouble(error: unknown, path: string): unknown {
  const code = codeOf(error)
  const named = writtenPath(error) ?? path
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DiskFull(named, code)
    case 'EIO':
    case 'EROFS':
      return new DiskUnwritable(named, code)
    default:
      return error
  }
}

/** What an error of the system names; of a copy from one disk to another, `dest` is what was written. */
function writtenPath(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if ('dest' in error) return String(error.dest)
  return 'path' in error ? String(error.path) : null
}

/** Runs `write`, whose errors may name no file, or the one it reads. @throws DiskFull, DiskUnwritable of `path` */
export async function writingTo<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    throw asDiskTrouble(error, path)
  }
}

/** As much as a portion of answers. */
const PROBE_BYTES = 1 << 20

/**
 * Writes to a directory, and removes what it wrote.
 * @throws DiskFull, DiskUnwritable
 */
export async function probeRoom(directory: string): Promise<void> {
  const path = join(directory, `.room-${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(Buffer.alloc(PROBE_BYTES))
      await file.datasync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw asDiskTrouble(error, directory)
  } finally {
    await rm(path, { force: true })
  }
}
