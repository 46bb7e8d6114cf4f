import { copyFile, link, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { codeOf, NO_LINK } from './links.js'

/** A batch's own files of answers and failures. */
export interface RevisionPaths {
  readonly results: string
  readonly errors: string
}

/**
 * The files of one revision of a batch. Revision 0 is what the first run writes; each time that dead letters were
 * retried the files become whole again under the next one.
 */
export function revisionPaths(directory: string, revision: number): RevisionPaths {
  const mark = revision === 0 ? '' : `.r${revision}`
  return { results: join(directory, `results${mark}.jsonl`), errors: join(directory, `errors${mark}.jsonl`) }
}

const OF_A_REVISION = /^(results|errors)(?:\.r(\d+))?\.jsonl$/

/**
 * The newest revision whose files are both there: each gets its name only when it is whole, the failures last. For a
 * Redis that has lost everything.
 */
export async function newestRevision(directory: string): Promise<number> {
  const names = await readdir(directory)
  const revisions = names.flatMap((name) => {
    const match = OF_A_REVISION.exec(name)
    return match?.[1] === 'errors' ? [Number(match[2] ?? 0)] : []
  })
  return Math.max(0, ...revisions)
}

/** Removes the files of every revision but one. */
export async function removeOtherRevisions(directory: string, revision: number): Promise<void> {
  const kept = Object.values(revisionPaths(directory, revision))
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if (OF_A_REVISION.test(name) && !kept.includes(path)) await rm(path)
  }
}

/** Everything that a batch ever wrote, whatever its revision. */
export async function filesOfAllRevisions(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => OF_A_REVISION.test(name)).map((name) => join(directory, name))
}

/** All failures among those. */
export async function errorsOfAllRevisions(directory: string): Promise<string[]> {
  return (await filesOfAllRevisions(directory)).filter((path) => basename(path).startsWith('errors'))
}

/**
 * Takes a file over into the next revision as it is: under a second name, or as a copy where the old one must stay
 * what it is (somebody sees it under its final name) or there are no links.
 */
export async function takeOver(from: string, to: string, asCopy: boolean): Promise<void> {
  // Left by a crash before the revision counted.
  await rm(to, { force: true })
  if (!asCopy && (await linked(from, to))) return
  const draft = draftOf(to)
  await copyFile(from, draft)
  const file = await open(draft, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, to)
}

/** What a file of a revision is called until it is whole. */
export function draftOf(path: string): string {
  return `${path}.tmp`
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (NO_LINK.has(codeOf(error))) return false
    throw error
  }
}
