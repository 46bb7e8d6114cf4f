import { stat } from 'node:fs/promises'
import type { BatchMarks } from './batch-store.js'
import { codeOf } from './links.js'
import { newestRevision, revisionPaths } from './revision.js'

/** Which files of a batch count, and up to where they are checkpointed. */
export type CollectedMarks = Pick<BatchMarks, 'resultsBytes' | 'errorsBytes' | 'collected' | 'revision'>

/**
 * The marks that fit what is on disk. A Redis that has forgotten everything knows of no line, and one that came back
 * a little older (a power cut, a replica that was behind) names a revision that was removed since: then all lines
 * of the newest one are taken for new, and recorded again where that is needed.
 *
 * @param directory where the batch's own files are
 */
export async function collectedMarks(directory: string, marks: BatchMarks | null): Promise<CollectedMarks> {
  const { resultsBytes = 0, errorsBytes = 0, collected = 0, revision = 0 } = marks ?? {}
  const newest = await newestRevision(directory)
  const isThere = (await sizeOf(revisionPaths(directory, revision).results)) >= resultsBytes
  if (collected > 0 && (isThere || newest <= revision))
    return { resultsBytes, errorsBytes, collected, revision }
  return { resultsBytes: 0, errorsBytes: 0, collected: 0, revision: newest }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw error
  }
}
