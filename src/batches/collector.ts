import { rm } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import type { QueueKeys } from '../redis/keys.js'
import { readRunId } from '../redis/run-id.js'
import { assertSure, type BatchStore, type CollectedTo, type HeldLease, type Pinned } from './batch-store.js'
import { type CollectedMarks, collectedMarks } from './collected-marks.js'
import { createKnownLines } from './known-lines.js'
import { moveFiles } from './move-files.js'
import { assertHeld, type Entry, readPortion } from './portion.js'
import { createPortionSize } from './portion-size.js'
import { showPartial } from './publish.js'
import { recoverLines } from './recover.js'
import { openResultFile } from './result-file.js'
import { type RevisionPaths, revisionPaths } from './revision.js'
import { noteRevision } from './revision-note.js'
import { dropWriter, noteWriter, otherWriters } from './writers.js'

export interface CollectorDeps extends HeldLease {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly store: BatchStore
  readonly directoryId: string
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
  /** What its files were opened under, which is all that anything about them may be done under. */
  readonly pinned: Pinned
  /** Takes up to one portion; gives how many lines were written. @throws LeaseLost, RedisRestarted */
  collect(): Promise<number>
  close(): Promise<void>
}

/**
 * Opens the files of a batch and makes up for a crash: whole lines behind the checkpoint were paid for and are
 * kept (and recorded where Redis does not know them), a torn line is cut. The same for a Redis that was restarted, and may
 * have come back older. Where somebody may still write to the files, who stands still or is on another machine, they are
 * copied first: nothing that wakes up late meets our lines.
 *
 * @throws ResultFileDamaged, LeaseLost, RedisRestarted
 */
export async function openCollector(target: CollectorTarget, deps: CollectorDeps): Promise<Collector> {
  const { directory } = target
  // For good: a lease that was lost and taken again may have been another's meanwhile, and the files longer.
  const lease = deps.leaseToken()
  await noteWriter(directory, lease)
  try {
    const collector = await openAs(lease, target, deps)
    return {
      pinned: collector.pinned,
      collect: collector.collect,
      async close() {
        await collector.close()
        await dropWriter(directory, lease)
      },
    }
  } catch (error) {
    await dropWriter(directory, lease)
    throw error
  }
}

async function openAs(lease: string, target: CollectorTarget, deps: CollectorDeps): Promise<Collector> {
  const { batch, directory } = target
  // Before the marks: whatever is read or written from here on is of this run of Redis, or refused.
  const run = await readRunId(deps.redis)
  const found = await deps.store.marks(batch)
  let saved: CollectedMarks & { readonly checkedRun?: string } = await collectedMarks(directory, found)
  const save = (collectedTo: CollectedTo | null = null): Promise<void> =>
    deps.store.advance(batch, deps.directoryId, lease, saved, collectedTo, run)
  // Whoever has lost the lease must not even cut a torn line: its successor may be just writing it.
  await save()
  const assertOurs = (): void => assertSure(deps, lease)
  // A crash came right after the switch in Redis.
  await noteRevision(directory, saved.revision, found?.reopening ?? null, assertOurs)
  const others = await otherWriters(directory, lease)
  if (others.length > 0) {
    const move = (marks: CollectedMarks) =>
      deps.store.advance(batch, deps.directoryId, lease, marks, null, run)
    saved = await moveFiles(directory, saved, move, assertOurs)
    for (const mark of others) await rm(mark, { force: true })
  }
  const bury = async (letters: readonly DeadLetter[]): Promise<void> => {
    if (letters.length === 0) return
    // One that was discarded since another took over must not come back.
    await assertHeld(batch, lease, deps)
    await deps.bury(letters)
  }
  const paths = revisionPaths(directory, saved.revision)
  assertOurs()
  const { results, errors, close } = await openFiles(paths, saved, assertOurs)
  /** Lines behind the checkpoint whose entry may still be in the stream. */
  let onDisk = createKnownLines()
  const portion = createPortionSize(PORTIONS)
  let { collected } = saved

  /** While such an entry may be left the checkpoint stays where it is: after a crash it would be written twice. */
  const checkpoint = async (collectedTo: CollectedTo | null = null): Promise<void> => {
    if (onDisk.size === 0)
      saved = { ...saved, resultsBytes: results.bytes, errorsBytes: errors.bytes, collected }
    await save(collectedTo)
  }

  try {
    const files = [
      { file: results, from: saved.resultsBytes },
      { file: errors, from: saved.errorsBytes },
    ]
    const recovered = await recoverLines(batch, files, { ...deps, bury })
    collected += recovered.lines
    onDisk = recovered.known
    // Only now does this Redis know of every answer in the files: calls may be made.
    if (run !== '') saved = { ...saved, checkedRun: run }
    await checkpoint()
    await showPartial(paths.results, target.output)
    if (errors.bytes > 0) await showPartial(paths.errors, target.errors)
  } catch (error) {
    await close()
    throw error
  }

  return {
    pinned: { lease, run },
    async collect() {
      const asked = portion.take()
      const entries = await readPortion(batch, lease, deps, asked, run)
      portion.taken(sizeOf(entries))
      if (entries.length === 0 && onDisk.size === 0) return 0
      const fresh = entries.filter((entry) => !onDisk.has(entry.key))
      const firstErrors = errors.bytes === 0
      await results.append(linesOf(fresh, 'completed'))
      await errors.append(linesOf(fresh, 'dead'))
      await Promise.all([results.sync(), errors.sync()])
      await bury(entries.flatMap(({ letter }) => (letter === null ? [] : [letter])))
      collected += fresh.length
      for (const { key } of entries) onDisk.delete(key)
      if (entries.length < asked) {
        // What is on disk and not in the stream: a crash came before its letter was buried, or long after.
        await bury(onDisk.letters())
        onDisk.clear()
      }
      await checkpoint(positionOf(entries))
      if (firstErrors && errors.bytes > 0) await showPartial(paths.errors, target.errors)
      return fresh.length
    },
    close,
  }
}

function positionOf(entries: readonly Entry[]): CollectedTo | null {
  const last = entries.at(-1)
  return last === undefined ? null : { id: last.id, bytes: sizeOf(entries) }
}

function linesOf(entries: readonly Entry[], kind: string): readonly Buffer[] {
  return entries.filter((entry) => entry.kind === kind).map(({ line }) => line)
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function openFiles(
  paths: RevisionPaths,
  { resultsBytes, errorsBytes }: CollectedMarks,
  assertOurs: () => void,
) {
  const results = await openResultFile(paths.results, resultsBytes, assertOurs)
  const errors = await openResultFile(paths.errors, errorsBytes, assertOurs).catch(async (error: unknown) => {
    await results.close()
    throw error
  })
  const close = async (): Promise<void> => {
    await Promise.all([results.close(), errors.close()])
  }
  return { results, errors, close }
}
