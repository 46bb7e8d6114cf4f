import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, readdir, rename, rm, writeFile } from 'node:fs/promises'
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
const DRAFT = /^(results|errors)(\.r\d+)?\.jsonl\..+\.tmp$/

interface RevisionFile {
  readonly kind: string
  readonly revision: number
}

async function filesIn(directory: string): Promise<RevisionFile[]> {
  return (await readdir(directory)).flatMap((name) => {
    const match = OF_A_REVISION.exec(name)
    return match === null ? [] : [{ kind: match[1] as string, revision: Number(match[2] ?? 0) }]
  })
}

/**
 * The newest revision whose files are both there: each gets its name only when it is whole, and no name is used
 * twice. A crash may have come before the switch to it.
 */
export async function newestRevision(directory: string): Promise<number> {
  const files = await filesIn(directory)
  const revisionsOf = (wanted: string) =>
    new Set(files.filter(({ kind }) => kind === wanted).map(({ revision }) => revision))
  const results = revisionsOf('results')
  return Math.max(0, ...[...revisionsOf('errors')].filter((revision) => results.has(revision)))
}

/** Whether any of its files is. */
export async function isRevisionThere(directory: string, revision: number): Promise<boolean> {
  return (await filesIn(directory)).some((file) => file.revision === revision)
}

/** A revision of which no file is there, not even one that a crash left. */
export async function nextRevision(directory: string, present: number): Promise<number> {
  return 1 + Math.max(present, ...(await filesIn(directory)).map(({ revision }) => revision))
}

/**
 * Removes the files of every revision but one, and what a crash left of any.
 * @param assertOurs asked once it is known which: what is made by others later is not among them
 */
export async function removeOtherRevisions(
  directory: string,
  revision: number,
  assertOurs: () => Promise<void>,
): Promise<void> {
  const kept = Object.values(revisionPaths(directory, revision))
  const names = (await readdir(directory)).filter((name) => OF_A_REVISION.test(name) || DRAFT.test(name))
  await assertOurs()
  for (const path of names.map((name) => join(directory, name))) {
    if (!kept.includes(path)) await rm(path, { force: true })
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
 * A draft that holds a file as it is: under a second name, or as a copy where the file must stay what it is (somebody
 * sees it under its final name) or there are no links. Empty when there is no such file.
 */
export async function draftCopy(from: string, to: string, asCopy: boolean): Promise<string> {
  const draft = draftOf(to)
  if (!asCopy && (await linked(from, draft))) return draft
  // Where the file system can, the copy shares its blocks with the file, and costs nothing.
  await copyFile(from, draft, constants.COPYFILE_FICLONE).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    await writeFile(draft, '')
  })
  const file = await open(draft, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

/** What a file of a revision is called until it is whole: nobody else's draft has this name. */
export function draftOf(path: string): string {
  return `${path}.${randomUUID()}.tmp`
}

/** Another process has made this revision. */
export class RevisionTaken extends Error {
  readonly code = 'revision_taken'
}

/**
 * Gives a draft its name, never over another file.
 * @throws RevisionTaken
 */
export async function settleDraft(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
    await rm(draft)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new RevisionTaken(`${path} is there already`)
    if (!NO_LINK.has(codeOf(error))) throw error
    await rename(draft, path)
  }
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
