import type { Logger } from 'pino'
import { inFlightOf } from '../completions/in-flight.js'
import { type BatchFiles, openBatchFiles } from './batch-files.js'
import { assertSure, type BatchMarks, type BatchStore, LeaseLost, RedisRestarted } from './batch-store.js'
import { type BudgetDeps, createBudget } from './budget/budget.js'
import { isLate } from './budget/late-budget.js'
import type { CollectorDeps } from './collector.js'
import type { DataDirectory } from './data-directory.js'
import { clearEnded, markEnded } from './ended-mark.js'
import { createCloser } from './ending/close-open.js'
import { dropIntent, readIntent } from './ending/intent.js'
import { createOpener, mustOpenAgain, openListed, recallOpening } from './ending/open-again.js'
import { removeJobs } from './ending/remove-jobs.js'
import { createFedWeight } from './fed-weight.js'
import { type Fed, type FeederDeps, feedPortion, feedRetries } from './feeder.js'
import { readKept } from './inherit/kept-marks.js'
import { createChunkShelf } from './input/chunk-shelf.js'
import { openChunks } from './input/chunks.js'
import { InputChanged, InputNotFound, InputUnreadable, StagingDamaged } from './input/input-errors.js'
import { notingRequests } from './input/request-index.js'
import type { Manifest } from './manifest.js'
import { unpublish, unpublishCopy } from './publish.js'
import { reconcile } from './reconciler.js'
import { noteRegistered } from './registered-mark.js'
import { ResultFileDamaged } from './result-file.js'
import { errorsOfAllRevisions } from './revision.js'
import { endOf, isEnding, isOver } from './states.js'

export interface BatchWorkDeps extends FeederDeps, CollectorDeps, BudgetDeps {
  readonly directory: DataDirectory
  readonly log: Logger
  readonly now: () => number
}

/** The work on one batch that must happen where its files are: feed, collect, reconcile, finish. */
export interface BatchWork {
  readonly batch: string
  /** Hands the next requests to the queue, retries first, at most so many. */
  feed(most: number): Promise<Fed>
  /** Bytes of the latest so many requests that were fed, of all that were. */
  weigh(count: number, fed: number): Promise<number>
  /** Writes what has come; ends the batch when all of it is on disk. Gives how many lines were written. */
  collect(): Promise<number>
  /**
   * The next step to the early end of a batch that is cancelled or whose completion window is over, or back from such
   * an end. Gives how many requests that concerned.
   */
  settleEnd(): Promise<number>
  /** For a batch that stopped or was replaced: true once no call is in flight and everything is on disk. */
  drained(): Promise<boolean>
  close(): Promise<void>
}

/** A request that is in no state of the queue is fed again after the batch stood still for this long. */
const STILL_MS = 5000
/** Between two looks whether a batch is to be ended early. */
const END_LOOK_MS = 100

/**
 * Opens a batch of this data directory.
 * @throws LeaseLost, ResultFileDamaged
 */
export async function openBatchWork(
  manifest: Manifest,
  deps: BatchWorkDeps,
  shelf = createChunkShelf(),
): Promise<BatchWork> {
  const { batch } = manifest
  const { store } = deps
  const log = deps.log.child({ batchId: batch })
  const { directory } = deps.directory.batch(batch)
  await endAgain(directory, batch, store)
  await noteState(directory, batch, store)
  await recallOpening({ batch, directory, deps })
  const marks = await store.marks(batch)
  if (marks !== null) {
    // Whoever registered it may have died before that.
    await noteRegistered(directory)
    await finishOpening(marks, batch, directory, deps)
  }
  const isKept = await readKept(directory)
  const input = await openChunks({ directory, sourcePath: manifest.input.path, model: manifest.model })
  const noting = await notingRequests(input, directory).catch(async (error) => {
    // A full disk is tried again and again: none of the tries may keep a file open.
    await input.close()
    throw error
  })
  const chunks = shelf.of(batch, noting)
  const files = await openBatchFiles(manifest, directory, deps).catch(async (error) => {
    await chunks.close()
    throw error
  })
  const weight = createFedWeight(chunks)
  const budget = createBudget(batch, manifest.queue, deps)
  const allowedBy = async (marks: BatchMarks) => ({ requests: (await budget.room(marks)).requests, isKept })
  const roomForRetries = async () => {
    const marks = await store.marks(batch)
    return marks === null ? 0 : (await budget.room(marks)).retries
  }
  const newCloser = () => createCloser({ batch, directory, chunks, deps })
  let close = newCloser()
  const openAgain = createOpener({ batch, directory, files, deps })
  let lookedForEndAt = Number.NEGATIVE_INFINITY
  let stillSince = deps.now()
  let reconciled = false
  /** At the last look: its budgets, or its input, are used up. */
  let nothingToFeed = false
  /** The budget of requests that came late; null: none did. */
  let heldBackTo: number | null = null

  async function reconcileWhenStill(marks: BatchMarks): Promise<void> {
    if (reconciled && deps.now() - stillSince <= STILL_MS) return
    // Retries wait for their turn: they are not lost.
    if ((await deps.redis.zcard(deps.keys.retries(batch))) > 0) return
    const again = await reconcile(batch, marks.fed, chunks, deps)
    if (again > 0) log.warn({ again }, 'batch.fed_again')
    reconciled = true
    stillSince = deps.now()
  }

  /** What a late budget takes out of the queue is looked for once with each budget, and not again while it stands. */
  async function findLost(marks: BatchMarks): Promise<void> {
    const paidFor = budget.holdsBack ? 0 : isLate(marks) ? marks.maxRequests : null
    if (paidFor !== heldBackTo) reconciled = false
    heldBackTo = paidFor
    if (paidFor === null || !reconciled) await reconcileWhenStill(marks)
  }

  return {
    batch,
    async feed(most) {
      const retried = await feedRetries(batch, most, chunks, deps, roomForRetries)
      const fed = retried.count > 0 ? retried : await feedPortion(batch, most, chunks, deps, allowedBy)
      nothingToFeed = fed.count === 0
      weight.add(fed.count, fed.bytes)
      if (fed.count > 0) stillSince = deps.now()
      if (fed.count > 0) log.debug({ fed: fed.count }, 'batch.fed')
      return fed
    },
    weigh: weight.ofLatest,
    async collect() {
      const lines = await files.collect()
      if (lines > 0) {
        stillSince = deps.now()
        return lines
      }
      const marks = await store.marks(batch)
      // Whatever waited as a job has left: when it runs again that has to be found.
      if (marks?.state !== 'running') reconciled = false
      if (marks === null || isOver(marks.state) || mustOpenAgain(marks)) return 0
      const isWhole = marks.completed + marks.failed === marks.total && (await store.pending(batch)) === 0
      if (!isWhole) {
        if (marks.state !== 'running') return 0
        // Lines that can't be sent cost nothing: they are passed first.
        // What is in the queue may be more than its budgets pay for.
        const isFed = nothingToFeed || marks.fed >= marks.total || isLate(marks)
        const isUsedUp = (isFed || budget.holdsBack) && (await budget.stopWhenUsedUp(marks))
        if (isUsedUp) log.info('batch.over_budget')
        else await findLost(marks)
      } else if (marks.superseded > marks.filtered) await files.renew(marks)
      else {
        const end = isEnding(marks.state) && marks.unfinished > 0 ? endOf(marks.state) : 'completed'
        if (await finish(manifest, marks, end, files, deps)) {
          log.info({ total: marks.total, failed: marks.failed, unfinished: marks.unfinished }, `batch.${end}`)
        }
      }
      return 0
    },
    async settleEnd() {
      if (Math.abs(deps.now() - lookedForEndAt) < END_LOOK_MS) return 0
      if (await store.expire(batch)) log.info('batch.expiring')
      const marks = await store.marks(batch)
      let settled = 0
      if (marks !== null && mustOpenAgain(marks)) {
        settled = await openAgain(marks)
        // Jobs of what was fed are gone.
        reconciled = false
      } else if (marks !== null && isEnding(marks.state)) settled = await close(marks, marks.state)
      else close = newCloser()
      // In the middle of it there is no need to wait.
      lookedForEndAt = settled > 0 ? Number.NEGATIVE_INFINITY : deps.now()
      return settled
    },
    async drained() {
      if ((await inFlightOf(batch, deps.queue)) > 0) return false
      await noteState(directory, batch, store)
      return store.drained(batch)
    },
    async close() {
      await Promise.all([files.close(), chunks.close()])
    },
  }
}

/** What a process has begun that died: the rest of the list is opened before anything else. */
async function finishOpening(
  found: BatchMarks,
  batch: string,
  directory: string,
  deps: BatchWorkDeps,
): Promise<void> {
  let marks: BatchMarks | null = found
  while (marks !== null && (await openListed({ batch, directory, deps }, marks)) > 0)
    marks = await deps.store.marks(batch)
}

/** What has ended is not made known again to a Redis that forgets it; what runs again is. */
async function noteState(directory: string, batch: string, store: BatchStore): Promise<void> {
  const state = (await store.marks(batch))?.state
  if (state !== undefined && isOver(state)) await markEnded(directory, state)
  // Somebody may just have let it run again.
  if ((await store.marks(batch))?.state === 'running') await clearEnded(directory)
}

/** A Redis that came back older may have forgotten that somebody has ended it: nothing is called that was cancelled. */
async function endAgain(directory: string, batch: string, store: BatchStore): Promise<void> {
  if ((await readIntent(directory)) !== 'cancelling') return
  if ((await store.marks(batch))?.state === 'running') await store.cancel(batch, 'it was cancelled before')
}

/** False when something was retried meanwhile: then the batch goes on. */
async function finish(
  manifest: Manifest,
  marks: BatchMarks,
  end: 'completed' | 'cancelled' | 'expired',
  files: BatchFiles,
  deps: BatchWorkDeps,
): Promise<boolean> {
  const { directory } = deps
  await files.publish(marks)
  assertSure(deps)
  if (marks.errorsBytes === 0) await clearReplacedErrors(manifest, directory)
  // A command that was sent again after a lost connection may have fed what was answered meanwhile.
  await removeJobs(manifest.batch, deps.queue)
  if (!(await deps.store.end(manifest.batch, end, ''))) return false
  await files.tidy(marks)
  assertSure(deps)
  const own = directory.batch(manifest.batch).directory
  // What is retried of it later is not to be cancelled again.
  if (end === 'completed') await dropIntent(own)
  await noteState(own, manifest.batch, deps.store)
  await removeReplaced(manifest, directory)
  return true
}

/** A batch without failures leaves no errors file; but only what batches before it wrote there is ours to remove. */
async function clearReplacedErrors(manifest: Manifest, directory: DataDirectory): Promise<void> {
  for (const { batch } of await directory.replaced(manifest)) {
    for (const own of await errorsOfAllRevisions(directory.batch(batch).directory)) {
      await unpublish(own, manifest.errors)
    }
    await unpublishCopy(batch, manifest.errors)
  }
}

/**
 * Removes the files of what a finished batch replaced: till then they are all that is left of paid answers. The
 * oldest goes first, so that after a crash each can still be found from the one that replaced it.
 */
export async function removeReplaced(manifest: Manifest, directory: DataDirectory): Promise<void> {
  for (const { batch } of await directory.replaced(manifest)) await directory.remove(batch)
}

/**
 * What kind of trouble an error is: the lease went, the files have to be compared with a Redis that was restarted, the
 * batch can't go on, or it may pass.
 */
export function troubleOf(error: unknown): 'lease' | 'restarted' | 'batch' | 'passing' {
  if (error instanceof LeaseLost) return 'lease'
  if (error instanceof RedisRestarted) return 'restarted'
  const ends = [InputChanged, InputNotFound, InputUnreadable, StagingDamaged, ResultFileDamaged]
  if (ends.some((kind) => error instanceof kind)) return 'batch'
  return 'passing'
}
