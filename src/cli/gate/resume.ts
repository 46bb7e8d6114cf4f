import { resumeCommand } from '../../alerts/advice.js'
import { budgetInWords } from '../../alerts/budget-advice.js'
import { isBatchId } from '../../batches/known-batches.js'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { loadConfig } from '../../config.js'
import { inDollars } from '../../money.js'
import { QUEUE_NAME } from '../../redis/keys.js'
import { assertNotReplaced, type FoundBatch, findBatch } from '../batch/find-batch.js'
import type { ResumeFlags } from '../commands/gate.js'
import { formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'
import { workersSentence } from '../text/workers-words.js'
import { type Visit, visit } from '../visit.js'
import { resumeQueue, tell } from './change-gate.js'

/** `resume BATCH` of one that neither the brake nor a budget has stopped. */
export class NotBraked extends Error {
  readonly code = 'not_braked'
}

/** `resume BATCH` of one that would expire at once. */
export class WindowOver extends Error {
  readonly code = 'window_over'
}

/** `resume BATCH` with a budget that is used up already. */
export class BudgetTooSmall extends Error {
  readonly code = 'budget_too_small'
}

/** Budgets are of batches. */
export class BudgetOfQueue extends Error {
  readonly code = 'budget_of_queue'
}

/**
 * `conduit-batch resume`: of a queue it lifts the holds, of a batch the brake, or a budget. What names a queue means the queue, but
 * the id of a batch always means that.
 * @throws NotBraked, WindowOver, BudgetTooSmall, BudgetOfQueue, BatchReplaced, BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function resume(word: string, flags: ResumeFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  if (!isBatchId(word) && config.queues.includes(word)) return resumeNamed(word, flags)
  const isQueue = await visit(config, async (visiting) => {
    if (await namesQueue(word, visiting)) return true
    await resumeBatch(await findBatch(word, visiting, config), flags)
    return false
  })
  if (isQueue) await resumeNamed(word, flags)
}

async function resumeNamed(queue: string, flags: ResumeFlags): Promise<void> {
  if (flags.maxRequests !== undefined || flags.maxCost !== undefined) {
    throw new BudgetOfQueue(`${queue} is a queue: --max-requests and --max-cost are for a batch. Name one.`)
  }
  return resumeQueue(queue, flags)
}

async function namesQueue(word: string, { queues }: Visit): Promise<boolean> {
  return !isBatchId(word) && QUEUE_NAME.test(word) && (await queues()).includes(word)
}

async function resumeBatch(found: FoundBatch, flags: ResumeFlags): Promise<void> {
  assertNotReplaced(found, 'status')
  const { manifest, session } = found
  const { batch } = manifest
  const before = await readBatchSnapshot(session, batch)
  const { maxRequests, maxCost } = flags
  const resumed = await session.store.resumeBraked(batch, {
    ...(maxRequests === undefined ? {} : { maxRequests }),
    ...(maxCost === undefined ? {} : { maxCostCents: maxCost }),
  })
  switch (resumed) {
    case 'not_braked':
      throw new NotBraked(whyNot(found, before))
    case 'over':
      throw new WindowOver(windowOverWords(manifest, found.directory !== null))
    case 'too_little':
      throw new BudgetTooSmall(
        `Batch ${batch} would stop again at once: ${before?.overBudget ? budgetInWords(before.overBudget) : 'that is used up'}. ` +
          'A budget counts from its beginning: name a larger one, or none.',
      )
    case 'resumed':
      break
  }
  const { workers, holds } = await readQueueSnapshot(session)
  const code = before?.brake?.code ?? null
  tell(flags, { batch, queue: manifest.queue, resumed: true, code, held: holds.length > 0, workers }, [
    goesOn(batch, before, flags),
    ...(holds.length > 0 ? [`Its queue is held: ${suggested(resumeCommand(manifest.queue))}`] : []),
    ...(workers === 0 ? [workersSentence({ queue: manifest.queue, workers })] : []),
  ])
}

function goesOn(batch: string, before: BatchSnapshot | null, { maxRequests, maxCost }: ResumeFlags): string {
  if (before?.overBudget == null) {
    const code = before?.brake?.code ?? 'What it was stopped for'
    return `Batch ${batch} goes on. ${oneLine(code)} does not stop it again.`
  }
  const budgets = [
    ...(maxRequests === undefined ? [] : [formatCounted(maxRequests, 'request', 'requests')]),
    ...(maxCost === undefined ? [] : [`about ${inDollars(maxCost)}`]),
  ]
  return `Batch ${batch} goes on${budgets.length === 0 ? ', without that budget' : `. It stops again at ${budgets.join(' or ')}`}.`
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
      return `Batch ${id} was stopped by neither the brake nor a budget: ${oneLine(batch.reason ?? '')} Mend that first. ${goOn}`
    case 'cancelling':
    case 'expiring':
    case 'replaced':
    case 'cancelled':
    case 'expired':
      return `Batch ${id} is ${batch.state}, not stopped by the brake or a budget. ${goOn}`
  }
}
