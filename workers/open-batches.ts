import type { Logger } from 'pino'
import type { BatchStore } from '../src/batches/batch-store.js'
import { type BatchWork, type BatchWorkDeps, openBatchWork, troubleOf } from '../src/batches/batch-work.js'
import { asDiskTrouble, DiskFull, DiskUnwritable } from '../src/batches/disk-trouble.js'
import { createChunkShelf } from '../src/batches/input/chunk-shelf.js'
import { isUnwritable } from '../src/redis/unwritable.js'

export interface OpenBatchesOptions {
  readonly store: BatchStore
  readonly work: BatchWorkDeps
  readonly log: Logger
  /** Told of trouble that stands in the way of a batch now, in a sentence; it is tried again. */
  readonly onTrouble: (text: string) => void
  /** Told of a disk that can't be written to: a person has to mend that. */
  readonly onDiskTrouble: (trouble: DiskFull | DiskUnwritable) => Promise<void>
}

/** The batches whose files a batch worker has open. */
export interface OpenBatches {
  /**
   * Takes a step of one batch, opening it first. Trouble of one batch stops that batch only; other trouble may pass,
   * so the files are opened anew at the next step. Null when there was trouble, or nothing to work on.
   * @throws LeaseLost
   */
  step<T>(batch: string, take: (work: BatchWork) => Promise<T>): Promise<T | null>
  /** Whether a batch can be worked on: its files are here, and could be opened. */
  canOpen(batch: string): Promise<boolean>
  /** Closes all but these; what runs again is opened again, whatever was wrong with it. */
  keep(active: readonly string[], draining: readonly string[]): Promise<void>
}

/** Gives no batch opened yet; each is opened at its first step. */
export function createOpenBatches(options: OpenBatchesOptions): OpenBatches {
  const { store, work, log, onTrouble, onDiskTrouble } = options
  const open = new Map<string, BatchWork>()
  const shelf = createChunkShelf()
  /** Those that can't even be opened, until they are let run again. */
  const broken = new Set<string>()
  /** What was said of the disk of a batch that takes no answers. */
  const fullDisks = new Map<string, string>()

  async function close(batch: string): Promise<void> {
    const opened = open.get(batch)
    open.delete(batch)
    await opened?.close()
  }

  async function opened(batch: string): Promise<BatchWork | null> {
    const known = open.get(batch)
    if (known !== undefined) return known
    const manifest = broken.has(batch) ? null : await work.directory.manifest(batch)
    if (manifest === null) return null
    const fresh = await openBatchWork(manifest, work, shelf)
    open.set(batch, fresh)
    return fresh
  }

  async function stop(batch: string, error: Error): Promise<void> {
    // Its files stay open: calls in flight may bring answers, which were paid for.
    if (!open.has(batch)) broken.add(batch)
    await store.end(batch, 'stopped', error.message)
    log.error({ batchId: batch, err: error }, 'batch.stopped')
  }

  /** The pause that it means is told of at length; each try again meets it. */
  function tellOfDisk(batch: string, message: string): void {
    if (fullDisks.get(batch) === message) return
    fullDisks.set(batch, message)
    log.info({ batchId: batch, err: message }, 'batch.trouble')
  }

  return {
    async step(batch, take) {
      try {
        const target = await opened(batch)
        return target === null ? null : await take(target)
      } catch (caught) {
        const error = asDiskTrouble(caught, work.directory.batch(batch).directory)
        // What a process finds that stood still says nothing of the batch: others work on it.
        const trouble = work.leaseIsSure() ? troubleOf(error) : 'lease'
        if (trouble === 'batch') {
          await stop(batch, error as Error)
          return null
        }
        await close(batch)
        if (trouble === 'lease') throw error
        if (trouble === 'restarted') {
          log.info({ batchId: batch }, 'batch.checked_again')
          return null
        }
        if (error instanceof DiskFull || error instanceof DiskUnwritable) {
          tellOfDisk(batch, error.message)
          await onDiskTrouble(error)
          return null
        }
        log.error({ batchId: batch, err: error }, 'batch.trouble')
        if (!isUnwritable(error))
          onTrouble(`Batch ${batch} can't go on now, and is tried again: ${(error as Error).message}`)
        return null
      }
    },
    async canOpen(batch) {
      if (open.has(batch)) return true
      return !broken.has(batch) && (await work.directory.manifest(batch)) !== null
    },
    async keep(active, draining) {
      for (const batch of active) broken.delete(batch)
      const kept = new Set([...active, ...draining])
      for (const batch of broken) if (!kept.has(batch)) broken.delete(batch)
      for (const batch of fullDisks.keys()) if (!kept.has(batch)) fullDisks.delete(batch)
      for (const batch of [...open.keys()]) if (!kept.has(batch)) await close(batch)
    },
  }
}
