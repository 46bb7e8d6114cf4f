import { placeOfLine } from '../../completions/output-line.js'
import { unfinishedCodeOf } from '../../completions/unfinished.js'
import { readRunId } from '../../redis/run-id.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import type { BatchFiles } from '../batch-files.js'
import { assertSure, type BatchMarks, LeaseLost } from '../batch-store.js'
import type { CollectorDeps } from '../collector.js'
import { readFileBytes } from '../input/file-bytes.js'
import { isThere } from '../is-there.js'
import { ResultFileDamaged } from '../result-file.js'
import { isRevisionThere, revisionPaths } from '../revision.js'
import { noteRevision, readRevisionNote } from '../revision-note.js'
import { isOver } from '../states.js'
import { wholeLines } from '../whole-lines.js'

const openScript = loadScript(new URL('./open-again.lua', import.meta.url))

export interface OpenAgainOptions {
  readonly batch: string
  /** Of the batch. */
  readonly directory: string
  readonly files: BatchFiles
  readonly deps: CollectorDeps
}

/**
 * Whether a batch runs whose end was begun before: until nothing of that is left, none of it may be fed. What has been
 * begun goes on when it is being ended again meanwhile: its files are without those lines already.
 */
export function mustOpenAgain({ state, unfinished, reopening }: BatchMarks): boolean {
  return reopening !== null || (state === 'running' && unfinished > 0)
}

/**
 * Opens again what only the end of its batch has ended, a step at each call: first the files are made anew without
 * those lines, then the requests in them are opened, the older errors file being the list. What has an answer is not
 * touched. Gives how many requests a step concerned.
 * @throws LeaseLost, ResultFileDamaged
 */
export function createOpener({ batch, directory, files, deps }: OpenAgainOptions) {
  const { redis, keys } = deps
  return async (marks: BatchMarks): Promise<number> => {
    if (marks.reopening !== null) return openListed({ batch, directory, deps }, marks)
    if ((await redis.xlen(keys.stream(batch))) > 0) return 0
    const dropped = await files.renewWithout(marks, (line) => unfinishedCodeOf(line) !== null)
    if (dropped === 0) throw missing(marks)
    return dropped ?? 0
  }
}

/**
 * Opens the next portion of the list, once the files are made anew. To be done before any line is recorded from disk: a
 * Redis that came back older may be in the middle of the list, and what it opens late may have its answer there.
 * Gives 0 when nothing of the list is left.
 * @throws LeaseLost
 */
export async function openListed(
  { batch, directory, deps }: Omit<OpenAgainOptions, 'files'>,
  { reopening, reopenedTo }: Pick<BatchMarks, 'reopening' | 'reopenedTo'>,
): Promise<number> {
  if (reopening === null) return 0
  const { redis, keys } = deps
  const { places, next } = await portionOf(revisionPaths(directory, reopening).errors, reopenedTo)
  const names = [keys.lease(deps.directoryId), keys.batch(batch), keys.done(batch), keys.generations(batch)]
  const isLast = next === null
  const args = [deps.leaseToken(), reopening, reopenedTo, next ?? reopenedTo, isLast ? 1 : 0, ...places]
  if ((await runScript(redis, openScript, names, args)) === -1) {
    throw new LeaseLost(`another process has taken over batch ${batch}`)
  }
  return isLast ? 0 : 1
}

/**
 * A Redis that came back older may have lost the switch with which opening began: what it takes for ended early has no
 * line in the present files any more. It is told of the list again. To be done before the files are opened.
 * @throws LeaseLost, RedisRestarted
 */
export async function recallOpening({
  batch,
  directory,
  deps,
}: Omit<OpenAgainOptions, 'files'>): Promise<void> {
  const lease = deps.leaseToken()
  const run = await readRunId(deps.redis)
  const [marks, note] = await Promise.all([deps.store.marks(batch), readRevisionNote(directory)])
  if (marks === null || isOver(marks.state)) return
  if (marks.reopening !== null) {
    // A crash came right after the switch: later, Redis may have forgotten what the list was.
    return noteRevision(directory, marks.revision, marks.reopening, () => assertSure(deps, lease))
  }
  if (marks.unfinished === 0) return
  if (note === null || note.reopened === null || marks.revision > note.reopened) return
  if (!(await isRevisionThere(directory, note.reopened))) return
  const files = { revision: note.revision, resultsBytes: 0, errorsBytes: 0, collected: 0 }
  const list = { reopening: note.reopened, reopenedTo: 0 }
  await deps.store.advance(batch, deps.directoryId, lease, { ...files, ...list }, null, run)
}

/** Index, generation and code of each such line in the next part of the list; `next` null behind its end. */
async function portionOf(
  path: string,
  from: number,
): Promise<{ readonly places: (number | string)[]; readonly next: number | null }> {
  // Removed when the batch ended: a Redis that has forgotten that end is told of it by the lines of the newer files.
  if (!(await isThere(path))) return { places: [], next: null }
  for await (const { lines, bytes } of wholeLines(
    readFileBytes(path, { range: { start: from, end: Number.MAX_SAFE_INTEGER } }),
  )) {
    const places = lines.flatMap((line) => {
      const code = unfinishedCodeOf(line)
      const place = code === null ? null : placeOfLine(line)
      return place === null || code === null ? [] : [place.index, place.generation, code]
    })
    return { places, next: from + bytes }
  }
  return { places: [], next: null }
}

/** Without this it would look for them for ever. */
function missing({ unfinished }: BatchMarks): ResultFileDamaged {
  return new ResultFileDamaged(
    `${unfinished} requests ended when their batch was ended early, but their lines are not in its errors file: ` +
      'somebody changed it. Put it back, or start the batch over with --fresh.',
  )
}
