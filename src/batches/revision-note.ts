import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeDurably } from './data-directory.js'
import { codeOf } from './links.js'
import { isRevisionThere, newestRevision } from './revision.js'

const noteSchema = z.strictObject({
  revision: z.number().int().nonnegative(),
  reopened: z.number().int().nonnegative().nullable(),
})

/** Which files of a batch count, as its directory tells: should Redis forget the switch to them. */
export interface RevisionNote {
  readonly revision: number
  /** The last revision whose errors file was the list of requests to be opened again; null: there was none. */
  readonly reopened: number | null
}

/**
 * The note; null while a batch never had another revision than its first. It is written right after the switch in
 * Redis, before a line is written to the new files and before older ones are removed. So a Redis that names a later
 * revision is right, and one that names an earlier one is older than the files.
 */
export async function readRevisionNote(directory: string): Promise<RevisionNote | null> {
  try {
    return noteSchema.parse(JSON.parse(await readFile(pathIn(directory), 'utf8')))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/**
 * The revision that counts when Redis tells nothing. What a crash left before its switch has a higher number, so that
 * does not say it.
 */
export async function notedRevision(directory: string): Promise<number> {
  const note = await readRevisionNote(directory)
  if (note !== null) return note.revision
  return (await isRevisionThere(directory, 0)) ? 0 : newestRevision(directory)
}

/**
 * Notes a switch that Redis has taken. Never goes back.
 * @param reopened the revision whose list was begun with this switch; null leaves what is noted
 * @param assertOurs asked right before writing
 */
export async function noteRevision(
  directory: string,
  revision: number,
  reopened: number | null,
  assertOurs: () => void,
): Promise<void> {
  const old = (await readRevisionNote(directory)) ?? { revision: 0, reopened: null }
  if (revision <= old.revision) return
  assertOurs()
  const note: RevisionNote = { revision, reopened: reopened ?? old.reopened }
  await writeDurably(pathIn(directory), `${JSON.stringify(note)}\n`)
}

function pathIn(directory: string): string {
  return join(directory, 'revision.json')
}
