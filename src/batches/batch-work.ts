import type { Logger } from 'pino'
import { LeaseLost } from './batch-store.js'
import { type Collector, type CollectorDeps, openCollector } from './collector.js'
import type { DataDirectory } from './data-directory.js'
import { type FeederDeps, feedNextChunk } from './feeder.js'
import { type ChunkReader, openChunks } from './input/chunks.js'
import { InputChanged, InputNotFound, InputUnreadable, StagingDamaged } from './input/input-errors.js'
import type { Manifest } from './manifest.js'
import { publish, unpublish } from './publish.js'
import { reconcile } from './reconciler.js'
import { ResultFileDamaged } from './result-file.js'

export interface BatchWorkDeps extends FeederDeps, CollectorDeps {
  readonly directory: DataDirectory
  readonly log: Logger
  readonly now: () => number
}

/** The work on one batch that must happen where its files are: feed, collect, reconcile, finish. */
export interface BatchWork {
  readonly batch: string
  /** Hands the next chunk to the queue; gives how many requests that were. */
  feed(): Promise<number>
  /** Writes what has come; ends the batch when all of it is on disk. Gives how many lines were written. */
  collect(): Promise<number>
  close(): Promise<void>
}

/** A request that is in no state of the queue is fed again after the batch stood still for this long. */
const STILL_MS = 5000

/**
 * Opens a batch of this data directory.
 * @throws LeaseLost, ResultFileDamaged
 */
export async function openBatchWork(manifest: Manifest, deps: BatchWorkDeps): Promise<BatchWork> {
  const { batch, options, output, errors } = manifest
  const { store } = deps
  const log = deps.log.child({ batchId: batch })
  const paths = deps.directory.batch(batch)
  const chunks = await openChunks({
    directory: paths.directory,
    sourcePath: manifest.input.path,
    model: manifest.model,
  })
  const collector = await openCollector({ batch, paths, output, errors }, deps).catch(async (error) => {
    await chunks.close()
    throw error
  })
  let exhausted = false
  let stillSince = deps.now()
  let reconciled = false

  return {
    batch,
    async feed() {
      if (exhausted) return 0
      const fed = await feedNextChunk({ batch, chunks, options }, deps)
      exhausted = fed === 0
      if (fed > 0) log.debug({ fed }, 'batch.fed')
      return fed
    },
    async collect() {
      const lines = await collector.collect()
      if (lines > 0) {
        stillSince = deps.now()
        return lines
      }
      const marks = await store.marks(batch)
      if (marks?.state !== 'running') return 0
      if (marks.completed + marks.failed === marks.total && marks.collected >= marks.total) {
        await finish(manifest, marks.errorsBytes > 0, deps)
        log.info({ total: marks.total, failed: marks.failed }, 'batch.completed')
        return 0
      }
      if (marks.fed === marks.total && (!reconciled || deps.now() - stillSince > STILL_MS)) {
        const again = await reconcile(batch, marks.fed, chunks, deps)
        if (again > 0) log.warn({ again }, 'batch.fed_again')
        reconciled = true
        stillSince = deps.now()
      }
      return 0
    },
    close: () => closeBoth(collector, chunks),
  }
}

async function closeBoth(collector: Collector, chunks: ChunkReader): Promise<void> {
  await collector.close()
  await chunks.close()
}

async function finish(manifest: Manifest, failures: boolean, deps: BatchWorkDeps): Promise<void> {
  const paths = deps.directory.batch(manifest.batch)
  await publish(paths.results, manifest.output)
  if (failures) await publish(paths.errors, manifest.errors)
  else await clearReplacedErrors(manifest, deps.directory)
  await deps.store.end(manifest.batch, 'completed', '')
  await removeReplaced(manifest, deps.directory)
}

/** A batch without failures leaves no errors file; but only what batches before it wrote there is ours to remove. */
async function clearReplacedErrors(manifest: Manifest, directory: DataDirectory): Promise<void> {
  for (const { batch } of await directory.replaced(manifest)) {
    await unpublish(directory.batch(batch).errors, manifest.errors)
  }
}

/**
 * Removes the files of what a finished batch replaced: till then they are all that is left of paid answers. The
 * oldest goes first, so that after a crash each can still be found from the one that replaced it.
 */
export async function removeReplaced(manifest: Manifest, directory: DataDirectory): Promise<void> {
  for (const { batch } of await directory.replaced(manifest)) await directory.remove(batch)
}

/** What kind of trouble an error is: the lease went, the batch can't go on, or it may pass. */
export function troubleOf(error: unknown): 'lease' | 'batch' | 'passing' {
  if (error instanceof LeaseLost) return 'lease'
  const ends = [InputChanged, InputNotFound, InputUnreadable, StagingDamaged, ResultFileDamaged]
  if (ends.some((kind) => error instanceof kind)) return 'batch'
  return 'passing'
}
