import { rm, stat } from 'node:fs/promises'
import { assertSure, type BatchMarks } from './batch-store.js'
import { type CollectorDeps, openCollector } from './collector.js'
import type { Manifest } from './manifest.js'
import { isPublished, partialName, publish } from './publish.js'
import { renewFiles } from './renew.js'
import { ResultFileDamaged } from './result-file.js'
import { removeOtherRevisions, revisionPaths } from './revision.js'

/** The two files of a batch, while it runs. */
export interface BatchFiles {
  /** Writes what has come; gives how many lines that were. @throws LeaseLost, RedisRestarted */
  collect(): Promise<number>
  /** Makes the files whole again under the next revision, without what was superseded. @throws LeaseLost, RedisRestarted */
  renew(marks: BatchMarks): Promise<void>
  /**
   * The same without further lines of the errors file, of requests that are to be opened again. Gives how many those
   * were; null when not all is checkpointed yet. @throws LeaseLost, RedisRestarted
   */
  renewWithout(marks: BatchMarks, without: (line: string) => boolean): Promise<number | null>
  /** Gives complete files their final names; no errors file when nothing failed. */
  publish(marks: BatchMarks): Promise<void>
  /** Removes what earlier revisions left, once the batch has ended. @throws LeaseLost, RedisRestarted */
  tidy(marks: BatchMarks): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the files of a batch in their present revision.
 * @param directory where its own files are
 * @throws LeaseLost, ResultFileDamaged
 */
export async function openBatchFiles(
  { batch, output, errors }: Manifest,
  directory: string,
  deps: CollectorDeps,
): Promise<BatchFiles> {
  const open = () => openCollector({ batch, directory, output, errors }, deps)

  /** What is seen under a final name must not grow: it is complete, and the next revision takes its place. */
  async function arePublished(revision: number): Promise<boolean> {
    const own = revisionPaths(directory, revision)
    const seen = await Promise.all([isPublished(own.results, output), isPublished(own.errors, errors)])
    return seen.includes(true)
  }

  const isSeen = async () => arePublished((await deps.store.marks(batch))?.revision ?? 0)

  let collector = await open()
  let published = await isSeen().catch(async (error: unknown) => {
    await collector.close()
    throw error
  })

  async function renew(marks: BatchMarks, without?: (line: string) => boolean): Promise<number> {
    await collector.close()
    const target = {
      batch,
      directory,
      marks,
      pinned: collector.pinned,
      published,
      ...(without === undefined ? {} : { without }),
    }
    const dropped = await renewFiles(target, deps)
    published = false
    collector = await open()
    return dropped
  }

  /** Files are no part of any script: before they are given names, or taken away, lease and run are looked at. */
  function assertOurs(revision: number): Promise<void> {
    const { lease, run } = collector.pinned
    return deps.store.advance(batch, deps.directoryId, lease, { revision }, null, run)
  }

  return {
    async collect() {
      if (published && (await deps.redis.xlen(deps.keys.stream(batch))) > 0) {
        const marks = await deps.store.marks(batch)
        if (marks !== null) await renew(marks)
      }
      return collector.collect()
    },
    async renew(marks) {
      await renew(marks)
    },
    async renewWithout(marks, without) {
      const { size } = await stat(revisionPaths(directory, marks.revision).errors)
      return size > marks.errorsBytes ? null : renew(marks, without)
    },
    async publish({ revision, resultsBytes, errorsBytes }) {
      const own = revisionPaths(directory, revision)
      await assertWhole(own.results, resultsBytes)
      await assertWhole(own.errors, errorsBytes)
      await assertOurs(revision)
      const stillOurs = (): void => assertSure(deps, collector.pinned.lease)
      stillOurs()
      await publish(own.results, output, undefined, stillOurs)
      stillOurs()
      if (errorsBytes > 0) await publish(own.errors, errors, undefined, stillOurs)
      // What an earlier revision had to tell is mended.
      else if (revision > 0) for (const name of [errors, partialName(errors)]) await rm(name, { force: true })
      published = true
    },
    async tidy({ revision }) {
      await removeOtherRevisions(directory, revision, () => assertOurs(revision))
    },
    close: () => collector.close(),
  }
}

/** What is shorter than its checkpoint is not published: answers would be missing in it. */
async function assertWhole(path: string, written: number): Promise<void> {
  const { size } = await stat(path)
  if (size < written)
    throw new ResultFileDamaged(`${path} has ${size} bytes, but ${written} were written to it.`)
}
