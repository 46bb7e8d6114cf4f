import { type FileHandle, open, rm } from 'node:fs/promises'
import type { Redis } from 'ioredis'
import { placeOfLine } from '../completions/output-line.js'
import type { QueueKeys } from '../redis/keys.js'
import { assertSure, type BatchMarks, type BatchStore, type HeldLease, type Pinned } from './batch-store.js'
import { syncDirectory } from './data-directory.js'
import { readFileBytes } from './input/file-bytes.js'
import { draftCopy, draftOf, nextRevision, revisionPaths, settleDraft } from './revision.js'
import { noteRevision } from './revision-note.js'
import { wholeLines } from './whole-lines.js'

export interface RenewDeps extends HeldLease {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly store: BatchStore
  readonly directoryId: string
}

export interface RenewTarget {
  readonly batch: string
  /** Where its own files are. */
  readonly directory: string
  readonly marks: BatchMarks
  /** What these were read under: any other finds other files. */
  readonly pinned: Pinned
  /** They are what somebody sees under the final names, so they must stay what they are. */
  readonly published: boolean
  /** Lines of the errors file that go too, because their requests are open again; those are opened after it. */
  readonly without?: (line: string) => boolean
}

/**
 * Makes the files of a batch anew, as its next revision: the answers as they are, the failures without those lines
 * whose request was retried since. Nothing may write to them meanwhile. A crash leaves the old revision in place.
 * @returns how many lines are left out
 * @throws LeaseLost, RedisRestarted, RevisionTaken
 */
export async function renewFiles(target: RenewTarget, deps: RenewDeps): Promise<number> {
  const { batch, directory, marks, pinned, published, without } = target
  const { revision, resultsBytes, errorsBytes, superseded } = marks
  // After the marks: a retry in between is counted as still to be filtered, and is filtered twice.
  const generations = await deps.redis.hgetall(deps.keys.generations(batch))
  const next = await nextRevision(directory, revision)
  const from = revisionPaths(directory, revision)
  const to = revisionPaths(directory, next)
  const save = (changed: Partial<BatchMarks>) =>
    deps.store.advance(batch, deps.directoryId, pinned.lease, changed, null, pinned.run)
  const assertOurs = (): void => assertSure(deps, pinned.lease)
  const drafts: string[] = []
  try {
    const errors = draftOf(to.errors)
    const results = await draftCopy(from.results, to.results, published)
    drafts.push(results, errors)
    const generationOf = (index: number) => Number(generations[index] ?? 0)
    const stays = (line: string) => isCurrent(line, generationOf) && !without?.(line)
    const kept = await copyCurrent(from.errors, errors, errorsBytes, stays)
    // Copying may have taken long: another may write to these files by now, or Redis may know less of them.
    await save({ revision })
    assertOurs()
    await settleDraft(results, to.results)
    await settleDraft(errors, to.errors)
    await syncDirectory(directory)
    await save({
      revision: next,
      resultsBytes,
      errorsBytes: kept.bytes,
      collected: marks.collected - kept.dropped,
      filtered: superseded,
      ...(without === undefined ? {} : { reopening: revision, reopenedTo: 0 }),
    })
    await noteRevision(directory, next, without === undefined ? null : revision, assertOurs)
    return kept.dropped
  } finally {
    for (const draft of drafts) await rm(draft, { force: true })
  }
}

/** Copies whole lines up to a checkpoint when they are to stay, and all that comes behind. */
async function copyCurrent(
  from: string,
  to: string,
  checkpoint: number,
  stays: (line: string) => boolean,
): Promise<{ readonly bytes: number; readonly dropped: number }> {
  let bytes = 0
  let dropped = 0
  const file = await open(to, 'w', 0o644)
  try {
    for await (const { lines } of wholeLines(readFileBytes(from, { range: { start: 0, end: checkpoint } }))) {
      const kept = lines.filter(stays)
      dropped += lines.length - kept.length
      bytes += await append(file, kept)
    }
    const behind = { start: checkpoint, end: Number.MAX_SAFE_INTEGER }
    for await (const rest of readFileBytes(from, { range: behind })) await file.appendFile(rest)
    await file.sync()
  } finally {
    await file.close()
  }
  return { bytes, dropped }
}

function isCurrent(line: string, generationOf: (index: number) => number): boolean {
  const place = placeOfLine(line)
  return place === null || place.generation >= generationOf(place.index)
}

async function append(file: FileHandle, lines: readonly string[]): Promise<number> {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  await file.appendFile(bytes)
  return bytes.length
}
