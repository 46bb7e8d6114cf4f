import { rm } from 'node:fs/promises'
import type { CollectedMarks } from './collected-marks.js'
import { syncDirectory } from './data-directory.js'
import { draftCopy, nextRevision, revisionPaths, settleDraft } from './revision.js'
import { noteRevision } from './revision-note.js'

/**
 * Copies the files of a batch, as its next revision: whatever a former writer that is not known dead still writes goes
 * to the files that nobody reads any more. What it wrote so far comes along: that was paid for.
 *
 * @param directory where the batch's own files are
 * @param save moves marks forward, under the lease and in the run of Redis that they are of
 * @param assertOurs asked before each change on disk
 * @throws LeaseLost, RedisRestarted, RevisionTaken
 */
export async function moveFiles(
  directory: string,
  marks: CollectedMarks,
  save: (changed: CollectedMarks) => Promise<void>,
  assertOurs: () => void,
): Promise<CollectedMarks> {
  const next = await nextRevision(directory, marks.revision)
  const from = revisionPaths(directory, marks.revision)
  const to = revisionPaths(directory, next)
  const drafts: string[] = []
  try {
    const results = await draftCopy(from.results, to.results, true)
    drafts.push(results)
    const errors = await draftCopy(from.errors, to.errors, true)
    drafts.push(errors)
    // Copying may have taken long: another may have taken over meanwhile.
    await save(marks)
    assertOurs()
    await settleDraft(results, to.results)
    await settleDraft(errors, to.errors)
    await syncDirectory(directory)
    const moved = { ...marks, revision: next }
    await save(moved)
    await noteRevision(directory, next, null, assertOurs)
    return moved
  } finally {
    for (const draft of drafts) await rm(draft, { force: true })
  }
}
