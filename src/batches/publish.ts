import { copyFile, link, lstat, open, rename, rm, stat, symlink } from 'node:fs/promises'

/** What the user sees of a file while it grows. */
export function partialName(final: string): string {
  return `${final}.partial`
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

async function sameFile(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([stat(a), lstat(b)])
    return one.ino === other.ino && one.dev === other.dev
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * Makes the growing file readable beside its final name: the same file under a second name, so that deleting what
 * is seen loses nothing; a symbolic link where the data directory is on another file system.
 */
export async function showPartial(own: string, final: string): Promise<void> {
  const partial = partialName(final)
  if (await sameFile(own, partial)) return
  await rm(partial, { force: true })
  try {
    await link(own, partial)
  } catch (error) {
    if (codeOf(error) !== 'EXDEV' && codeOf(error) !== 'EPERM') throw error
    await symlink(own, partial)
  }
}

/** Gives a complete file its final name, at once and whole. Doing it again changes nothing. */
export async function publish(own: string, final: string): Promise<void> {
  const partial = partialName(final)
  if (await sameFile(own, final)) return rm(partial, { force: true })
  await showPartial(own, final)
  if (!(await sameFile(own, partial))) {
    const draft = `${final}.tmp`
    await copyFile(own, draft)
    await syncFile(draft)
    await rename(draft, final)
    return rm(partial, { force: true })
  }
  await rename(partial, final)
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
