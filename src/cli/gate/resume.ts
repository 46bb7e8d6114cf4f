import { resumeCommand } from '../../alerts/advice.js'
import { isBatchId } from '../../batches/known-batches.js'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { loadConfig } from '../../config.js'
import { QUEUE_NAME } from '../../redis/keys.js'
import { assertNotReplaced, type FoundBatch, findBatch } from '../batch/find-batch.js'
import type { GateFlags } from '../commands/gate.js'
import { oneLine } from '../text/harmless.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'
import { workersSentence } from '../text/workers-words.js'
import { type Visit, visit } from '../visit.js'
import { resumeQueue, tell } from './change-gate.js'

/** `resume BATCH` of one that the brake has not stopped. */
export class NotBraked extends Error {
  readonly code = 'not_braked'
}

/** `resume BATCH` of one that would expire at once. */
export class WindowOver extends Error {
  readonly code = 'window_over'
}

/**
 * `conduit-batch resume`: of a queue it lifts the holds, of a batch the brake. What names a queue means the queue, but
 * the id of a batch always means that.
 * @throws NotBraked, WindowOver, BatchReplaced, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function resume(word: string, flags: GateFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  if (!isBatchId(word) && config.queues.includes(word)) return resumeQueue(word, flags)
  const isQueue = await visit(config, async (visiting) => {
    if (await namesQueue(word, visiting)) return true
    await resumeBatch(await findBatch(word, visiting, config), flags)
    return false
  })
  if (isQueue) await resumeQueue(word, flags)
}

async function namesQueue(word: string, { queues }: Visit): Promise<boolean> {
  return !isBatchId(word) && QUEUE_NAME.test(word) && (await queues()).includes(word)
}

async function resumeBatch(found: FoundBatch, flags: GateFlags): Promise<void> {
  assertNotReplaced(found, 'status')
  const { manifest, session } = found
  const { batch } = manifest
  const before = await readBatchSnapshot(session, batch)
  const resumed = await session.store.resumeBraked(batch)
  switch (resumed) {
    case 'not_braked':
      throw new NotBraked(whyNot(found, before))
    case 'over':
      throw new WindowOver(windowOverWords(manifest, found.directory !== null))
    case 'resumed':
      break
  }
  const { workers, holds } = await readQueueSnapshot(session)
  const code = before?.brake?.code ?? null
  tell(flags, { batch, queue: manifest.queue, resumed: true, code, held: holds.length > 0, workers }, [
    `Batch ${batch} goes on. ${code === null ? 'What it was stopped for' : oneLine(code)} does not stop it again.`,
    ...(holds.length > 0 ? [`Its queue is held: ${suggested(resumeCommand(manifest.queue))}`] : []),
    ...(workers === 0 ? [workersSentence({ queue: manifest.queue, workers })] : []),
  ])
}

/** @param here as `goOnWords` has it */
export function windowOverWords(manifest: Manifest, here: boolean): string {
  const { batch } = manifest
  const { command } = goOnWords(manifest, here)
  const where = command === null ? ', in the data directory where it was submitted' : `: ${command}`
  return (
    `The completion window of batch ${batch} is over: what is open would expire at once, so it does not go on. ` +
    `Type its command again with a longer window, or with none${where}. Then: ${suggested(`conduit-batch resume ${batch}`)}`
  )
}

function whyNot({ manifest, directory }: FoundBatch, batch: BatchSnapshot | null): string {
  const { batch: id, queue } = manifest
  const goOn = goOnWords(manifest, directory !== null).text
  if (batch === null) return `Redis does not know batch ${id} (any more). ${goOn}`
  switch (batch.state) {
    case 'running':
      return (
        `Batch ${id} is not stopped: it runs. If its queue is held: ${suggested(resumeCommand(queue))}. ` +
        `How it stands: ${suggested(`conduit-batch status ${id}`)}`
      )
    case 'completed':
      return `Batch ${id} is completed: there is nothing to resume.`
    case 'stopped':
      return `Batch ${id} was not stopped by the brake: ${oneLine(batch.reason ?? '')} Mend that first. ${goOn}`
    case 'cancelling':
    case 'expiring':
    case 'replaced':
    case 'cancelled':
    case 'expired':
      return `Batch ${id} is ${batch.state}, not stopped by the brake. ${goOn}`
  }
}
