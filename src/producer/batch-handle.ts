import { setTimeout as delay } from 'node:timers/promises'
import type { DataDirectory } from '../batches/data-directory.js'
import type { Manifest } from '../batches/manifest.js'
import { readBatchSnapshot } from '../batches/read-snapshot.js'
import type { BatchSnapshot } from '../batches/snapshot.js'
import { isOver, type OverState } from '../batches/states.js'
import { BatchUnknown } from './errors.js'
import { bearWith } from './fail-fast.js'
import type { Link } from './link.js'
import { readAnswers } from './read-answers.js'
import type { RequestResult } from './result.js'

/** How a batch ended. */
export interface BatchSummary extends BatchSnapshot {
  readonly state: OverState
}

/** How to wait for the end of a batch. */
export interface DoneOptions {
  readonly signal?: AbortSignal
  /** Told where the batch stands, about twice a second, while it is waited for. */
  readonly onProgress?: (snapshot: BatchSnapshot) => void
}

/**
 * A batch that was submitted. Workers work on it (`conduit-batch work` or `serve`), whatever becomes of the handle, or
 * of this process.
 */
export interface BatchHandle extends AsyncIterable<RequestResult> {
  /** Names the batch, also on the command line; `producer.batch(id)` gives this handle again. */
  readonly id: string
  readonly name: string | null
  /** Where the answers will be once all are there, and the failures, when there are any. */
  readonly output: string
  readonly errors: string
  /** @throws RedisUnavailable, BatchUnknown */
  progress(): Promise<BatchSnapshot>
  /**
   * Waits until the batch ends, however it does: look at `state`. A Redis that restarts meanwhile is waited for, up
   * to a minute.
   * @throws RedisUnavailable, BatchUnknown, the signal's reason
   */
  done(options?: DoneOptions): Promise<BatchSummary>
  /**
   * Ends the batch early: no new call starts, answers that were on their way are still written, and every other
   * request ends as `batch_cancelled`. Whoever serves the data directory does that; `done()` waits for it.
   * @returns false when it had ended before, or is being ended
   */
  cancel(): Promise<boolean>
  /**
   * Lets the batch go on after the brake has stopped it (`brake` of its progress; the same code does not stop it again),
   * or after a budget has (`overBudget`): without that.
   * @returns false when it has not, or when the batch's completion window is over, so that it would expire at once
   */
  resume(): Promise<boolean>
  /**
   * Gives every request's result once: answers as they come to disk, in the order in which they came; failures when
   * the batch has ended. Needs the data directory on this machine.
   */
  [Symbol.asyncIterator](): AsyncIterator<RequestResult>
}

const LOOK_MS = 500

export function createBatchHandle(
  { batch, name, output, errors }: Manifest,
  directory: DataDirectory,
  link: Link,
): BatchHandle {
  const progress = (): Promise<BatchSnapshot> =>
    link.use(async (session) => {
      const snapshot = await readBatchSnapshot(session, batch)
      if (snapshot === null) throw new BatchUnknown(batch, directory.path)
      return snapshot
    })

  return {
    id: batch,
    name,
    output,
    errors,
    progress,
    async done({ signal, onProgress } = {}) {
      for (;;) {
        signal?.throwIfAborted()
        const snapshot = await bearWith(progress, signal)
        onProgress?.(snapshot)
        if (hasEnded(snapshot)) return snapshot
        await delay(LOOK_MS, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
          throw signal?.aborted ? signal.reason : error
        })
      }
    },
    cancel: () => link.use(({ store }) => store.cancel(batch, 'cancelled by its producer')),
    resume: () => link.use(async ({ store }) => (await store.resumeBraked(batch)) === 'resumed'),
    [Symbol.asyncIterator]: () => readAnswers(batch, directory, link),
  }
}

function hasEnded(snapshot: BatchSnapshot): snapshot is BatchSummary {
  return isOver(snapshot.state)
}
