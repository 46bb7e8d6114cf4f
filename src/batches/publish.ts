import { copyFile, link, lstat, open, rename, rm, stat, symlink } from 'node:fs/promises'
import { placeOfLine } from '../completions/output-line.js'
import { writingTo } from './disk-trouble.js'
import { codeOf, NO_LINK } from './links.js'

/** A line of ours begins with its id. */
const LONGEST_ID = 100

/** The system's calls that make links; not every file system has them. */
export interface Links {
  readonly link: (target: string, path: string) => Promise<void>
  readonly symlink: (target: string, path: string) => Promise<void>
}

const REAL_LINKS: Links = { link, symlink }

/** What the user sees of a file while it grows. */
export function partialName(final: string): string {
  return `${final}.partial`
}

async function sameFile(a: string, b: string, look: typeof stat | typeof lstat = lstat): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([stat(a), look(b)])
    return one.ino === other.ino && one.dev === other.dev
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Whether a link could be made. */
async function couldLink(make: Links['link'], own: string, name: string): Promise<boolean> {
  try {
    await make(own, name)
    return true
  } catch (error) {
    if (NO_LINK.has(codeOf(error))) return false
    throw error
  }
}

/**
 * Makes the growing file readable beside its final name: the same file under a second name, so that deleting what
 * is seen loses nothing; a symbolic link where the data directory is on another file system; nothing where there
 * are no links at all, for no batch should stand still for want of a look at it.
 */
export async function showPartial(own: string, final: string, links: Links = REAL_LINKS): Promise<void> {
  const partial = partialName(final)
  if (await sameFile(own, partial)) return
  await rm(partial, { force: true })
  if (!(await couldLink(links.link, own, partial))) await couldLink(links.symlink, own, partial)
}

/**
 * Gives a complete file its final name, at once and whole. Doing it again changes nothing.
 * @param assertOurs asked right before it is done; throws when another has taken over
 */
export async function publish(
  own: string,
  final: string,
  links: Links = REAL_LINKS,
  assertOurs: () => void = () => undefined,
): Promise<void> {
  const partial = partialName(final)
  if (await sameFile(own, final)) return rm(partial, { force: true })
  await showPartial(own, final, links)
  if (!(await sameFile(own, partial))) {
    const draft = `${final}.tmp`
    await writingTo(draft, () => copyDurably(own, draft))
    assertOurs()
    await rename(draft, final)
    return rm(partial, { force: true })
  }
  assertOurs()
  await rename(partial, final)
}

/** Whether what a batch writes is what is seen under the final name: then writing on would change that. */
export async function isPublished(own: string, final: string): Promise<boolean> {
  return sameFile(own, final)
}

/** Takes a file away from its final name and the one it grew under, where these are its names or links to it. */
export async function unpublish(own: string, final: string): Promise<void> {
  for (const name of [final, partialName(final)]) {
    if (await sameFile(own, name, stat)) await rm(name, { force: true })
  }
}

/** Takes away a final file that was copied (no links to there), where its first line tells that this batch wrote it. */
export async function unpublishCopy(batch: string, final: string): Promise<void> {
  const file = await open(final, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (file === null) return
  const { buffer, bytesRead } = await file
    .read(Buffer.alloc(LONGEST_ID), 0, LONGEST_ID, 0)
    .finally(() => file.close())
  if (placeOfLine(buffer.toString('utf8', 0, bytesRead))?.batch === batch) await rm(final, { force: true })
}

/** Where that fails, what was written of it goes: it would take room for nothing. */
async function copyDurably(own: string, draft: string): Promise<void> {
  try {
    await copyFile(own, draft)
    await syncFile(draft)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
