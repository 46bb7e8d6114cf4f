import { stat } from 'node:fs/promises'
import type { BatchMarks } from '../batch-store.js'
import { collectedMarks } from '../collected-marks.js'
import type { DataDirectory } from '../data-directory.js'
import { readRequestIndex } from '../input/request-index.js'
import { codeOf } from '../links.js'
import type { Manifest } from '../manifest.js'
import { ResultFileDamaged } from '../result-file.js'
import { revisionPaths } from '../revision.js'
import { notedRevision } from '../revision-note.js'
import type { FilePart, Legacy } from './inherit.js'

/** Field of a batch whose answers an edited file takes over: nothing of it may be retried (retry.lua). */
export const SEALED = 'sealed'

/** Why a batch ended that left its answers to another. */
export const REPLACED_BY_EDIT = 'replaced by an edited file'

/** A batch that has ended, with nothing on the way to its files any more. */
export interface RestingBatch {
  readonly batch: string
  /** Null when Redis knows nothing of it. */
  readonly marks: BatchMarks | null
  readonly generations: ReadonlyMap<number, number>
}

/**
 * Brings batches to rest, and keeps others from taking over from them as long as the work goes on: ends those that
 * run, and waits for the calls that are out, for their answers are paid for. The batches are newest first.
 */
export type AtRest = <T>(
  batches: readonly Manifest[],
  work: (resting: readonly RestingBatch[]) => Promise<T>,
) => Promise<T>

/**
 * A batch and what it replaced, as far as they are there: newest first. Null when its requests were noted by no
 * version that ever fed them, so that nothing can be said of its answers.
 */
export async function findForebears(directory: DataDirectory, newest: Manifest): Promise<Manifest[] | null> {
  const own = directory.batch(newest.batch).directory
  if ((await readRequestIndex(own)) === null && (await hasAnswers(directory, newest))) return null
  const older = await directory.replaced(newest)
  const manifests = await Promise.all(older.reverse().map(({ batch }) => directory.manifest(batch)))
  return [newest, ...manifests.filter((manifest) => manifest !== null)]
}

export async function hasAnswers(directory: DataDirectory, { batch }: Manifest): Promise<boolean> {
  const own = directory.batch(batch).directory
  const { results } = revisionPaths(own, await notedRevision(own))
  return ((await sizeOf(results)) ?? 0) > 0
}

/**
 * What a batch at rest leaves; null when nothing of it was ever fed.
 * @throws ResultFileDamaged, StagingDamaged
 */
export async function legacyOf(
  directory: DataDirectory,
  { batch, marks, generations }: RestingBatch,
): Promise<Legacy | null> {
  const own = directory.batch(batch).directory
  const requests = await readRequestIndex(own)
  return requests === null ? null : { batch, requests, generations, ...(await filesOf(own, marks)) }
}

/**
 * The two files of a batch, as far as they are there.
 * @param own its directory
 * @throws ResultFileDamaged when one is shorter than what was written to it
 */
export async function filesOf(
  own: string,
  marks: BatchMarks | null,
): Promise<Pick<Legacy, 'results' | 'errors'>> {
  const { revision, resultsBytes, errorsBytes } = await collectedMarks(own, marks)
  const { results, errors } = revisionPaths(own, revision)
  return { results: await partOf(results, resultsBytes), errors: await partOf(errors, errorsBytes) }
}

/** The whole file: lines behind the checkpoint are as good as those before it. */
async function partOf(path: string, checkpoint: number): Promise<FilePart | null> {
  const bytes = await sizeOf(path)
  if ((bytes ?? 0) < checkpoint) {
    throw new ResultFileDamaged(
      `${path} has ${bytes ?? 0} bytes, but ${checkpoint} were written to it: somebody shortened it. ` +
        'Put it back, or call everything again with --fresh.',
    )
  }
  return bytes === null ? null : { path, bytes }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
