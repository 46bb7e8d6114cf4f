import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { putAwayAfterAll } from './put-away.js'

const run = promisify(execFile)
const disks = new Set<string>()

/** A directory on a disk of its own with so many bytes; null where this user may not mount one. */
export async function smallDisk(bytes: number): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'cb-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory])
    disks.add(directory)
    return directory
  } catch {
    await rm(directory, { recursive: true })
    return null
  }
}

putAwayAfterAll(async () => {
  for (const directory of disks) {
    await run('umount', ['-l', directory])
    await rm(directory, { recursive: true, force: true })
  }
  disks.clear()
})
