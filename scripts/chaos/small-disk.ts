import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A directory with little room. */
export interface SmallDisk {
  readonly path: string
  /** Takes all the room that is left. */
  fill(): void
  free(): void
  remove(): void
}

const BLOCK = Buffer.alloc(64 * 1024)

/** Why no small disk can be had here, in words; null when one can. */
export function smallDiskLacks(): string | null {
  if (process.platform !== 'linux') return 'tmpfs is only on Linux'
  if (process.getuid?.() !== 0) return 'mounting a tmpfs takes root (or: unshare -Urm COMMAND)'
  const tried = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], {
    encoding: 'utf8',
  })
  return tried.status === 0 ? null : `no tmpfs can be mounted: ${tried.stderr.trim()}`
}

/** Mounts a tmpfs of so many MiB. @throws Error where `smallDiskLacks` says why */
export function mountSmallDisk(path: string, mebibytes: number): SmallDisk {
  mkdirSync(path, { recursive: true })
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path], {
    encoding: 'utf8',
  })
  if (mounted.status !== 0) throw new Error(`no tmpfs can be mounted: ${mounted.stderr}`)
  const ballast = join(path, '.ballast')
  return {
    path,
    fill: () => fill(ballast),
    free: () => rmSync(ballast, { force: true }),
    remove() {
      spawnSync('umount', ['--lazy', path])
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** In ever smaller pieces, to the last byte. */
function fill(path: string): void {
  const file = openSync(path, 'a')
  for (let size = BLOCK.length; size >= 1; ) {
    try {
      if (writeSync(file, BLOCK, 0, size) < size) size = Math.floor(size / 2)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      size = Math.floor(size / 2)
    }
  }
  closeSync(file)
}
