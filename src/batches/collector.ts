import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import type { BatchStore } from './batch-store.js'
import { type CollectedMarks, collectedMarks } from './collected-marks.js'
import { type Entry, readPortion } from './portion.js'
import { createPortionSize } from './portion-size.js'
import { showPartial } from './publish.js'
import { recoverLines } from './recover.js'
import { openResultFile } from './result-file.js'
import { type RevisionPaths, revisionPaths } from './revision.js'

export interface CollectorDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly store: BatchStore
  readonly directoryId: string
  readonly leaseToken: () => string
  /** Adds dead letters to their queue under ids of their own, so that adding twice adds once. */
  readonly bury: (letters: readonly DeadLetter[]) => Promise<void>
}

export interface CollectorTarget {
  readonly batch: string
  /** Where its own files are. */
  readonly directory: string
  /** Final names. */
  readonly output: string
  readonly errors: string
}

/** One fsync and one checkpoint for about 2 MiB, or for so many answers. */
const PORTIONS = { first: 500, most: 2000, goodBytes: 2 * 1024 * 1024 }

/** Drains the result stream of one batch into its two files. */
export interface Collector {
  /** Takes up to one portion; gives how many lines were written. @throws LeaseLost */
  collect(): Promise<number>
  close(): Promise<void>
}

/**
 * Opens the files of a batch and makes up for a crash: whole lines behind the checkpoint were paid for and are
 * kept (and recorded where Redis does not know them), a torn line is cut.
 *
 * @throws ResultFileDamaged, LeaseLost
 */
export async function openCollector(target: CollectorTarget, deps: CollectorDeps): Promise<Collector> {
  const { batch, directory } = target
  // For good: a lease that was lost and taken again may have been another's meanwhile, and the files longer.
  const lease = deps.leaseToken()
  let saved = await collectedMarks(directory, await deps.store.marks(batch))
  const save = (collectedTo?: string): Promise<void> =>
    deps.store.advance(batch, deps.directoryId, lease, saved, collectedTo)
  // Whoever has lost the lease must not even cut a torn line: its successor may be just writing it.
  await save()
  const paths = revisionPaths(directory, saved.revision)
  const { results, errors, close } = await openFiles(paths, saved)
  /** Lines behind the checkpoint whose entry may still be in the stream. */
  const onDisk = new Map<string, DeadLetter | null>()
  const portion = createPortionSize(PORTIONS)
  let { collected } = saved

  /** While such an entry may be left the checkpoint stays where it is: after a crash it would be written twice. */
  const checkpoint = async (collectedTo?: string): Promise<void> => {
    if (onDisk.size === 0)
      saved = { ...saved, resultsBytes: results.bytes, errorsBytes: errors.bytes, collected }
    await save(collectedTo)
  }

  try {
    const files = [
      { file: results, from: saved.resultsBytes },
      { file: errors, from: saved.errorsBytes },
    ]
    const recovered = await recoverLines(batch, files, deps)
    collected += recovered.lines
    for (const [key, letter] of recovered.known) onDisk.set(key, letter)
    await checkpoint()
    await showPartial(paths.results, target.output)
    if (errors.bytes > 0) await showPartial(paths.errors, target.errors)
  } catch (error) {
    await close()
    throw error
  }

  return {
    async collect() {
      const asked = portion.take()
      const entries = await readPortion(batch, lease, deps, asked)
      portion.taken(sizeOf(entries))
      if (entries.length === 0 && onDisk.size === 0) return 0
      const fresh = entries.filter((entry) => !onDisk.has(entry.key))
      const firstErrors = errors.bytes === 0
      await results.append(linesOf(fresh, 'completed'))
      await errors.append(linesOf(fresh, 'dead'))
      await Promise.all([results.sync(), errors.sync()])
      await deps.bury(entries.flatMap(({ letter }) => (letter === null ? [] : [letter])))
      collected += fresh.length
      for (const { key } of entries) onDisk.delete(key)
      if (entries.length < asked) {
        // What is on disk and not in the stream: a crash came before its letter was buried, or long after.
        await deps.bury([...onDisk.values()].filter((letter) => letter !== null))
        onDisk.clear()
      }
      await checkpoint(entries.at(-1)?.id)
      if (firstErrors && errors.bytes > 0) await showPartial(paths.errors, target.errors)
      return fresh.length
    },
    close,
  }
}

function linesOf(entries: readonly Entry[], kind: string): readonly Buffer[] {
  return entries.filter((entry) => entry.kind === kind).map(({ line }) => line)
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { line }) => sum + line.length, 0)
}

async function openFiles(paths: RevisionPaths, { resultsBytes, errorsBytes }: CollectedMarks) {
  const results = await openResultFile(paths.results, resultsBytes)
  const errors = await openResultFile(paths.errors, errorsBytes).catch(async (error: unknown) => {
    await results.close()
    throw error
  })
  const close = async (): Promise<void> => {
    await Promise.all([results.close(), errors.close()])
  }
  return { results, errors, close }
}
