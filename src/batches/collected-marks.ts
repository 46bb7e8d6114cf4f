import type { BatchMarks } from './batch-store.js'
import { notedRevision } from './revision-note.js'

/** Which files of a batch count, and up to where they are checkpointed. */
export type CollectedMarks = Pick<BatchMarks, 'resultsBytes' | 'errorsBytes' | 'collected' | 'revision'>

/**
 * The marks that fit what is on disk. A Redis that has forgotten everything, or came back a little older (a power cut, a
 * replica that was behind), names an earlier revision than the directory: then all lines of the noted one are taken for
 * new, and recorded again where that is needed.
 *
 * @param directory where the batch's own files are
 */
export async function collectedMarks(directory: string, marks: BatchMarks | null): Promise<CollectedMarks> {
  const { resultsBytes = 0, errorsBytes = 0, collected = 0, revision = 0 } = marks ?? {}
  const noted = await notedRevision(directory)
  if (revision >= noted) return { resultsBytes, errorsBytes, collected, revision }
  return { resultsBytes: 0, errorsBytes: 0, collected: 0, revision: noted }
}
