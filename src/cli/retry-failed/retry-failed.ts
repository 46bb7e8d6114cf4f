import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { createDeadLetters, type DeadLetters } from '../../completions/dead-letters/dead-letters.js'
import type { Refusal } from '../../completions/dead-letters/retry.js'
import { composeEdits, type Edit, parseSet } from '../../completions/edit.js'
import { loadConfig } from '../../config.js'
import { type FoundBatch, findBatch } from '../batch/find-batch.js'
import type { RetryFailedFlags } from '../commands/retry-failed.js'
import { visit } from '../visit.js'
import { retriedWords } from './retried-words.js'

/** What came, or would come, of it. */
export interface Retried {
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
  readonly input: string
  readonly id: string
  readonly dryRun: boolean
  readonly retried: number
  readonly refused: Readonly<Partial<Record<Refusal, number>>>
}

/** `conduit-batch retry-failed`: every dead letter of a batch is sent again; again changes nothing. @throws InvalidEdit */
export async function retryFailed(wanted: string, flags: RetryFailedFlags): Promise<void> {
  const edit = (flags.set ?? []).map(parseSet).reduce<Edit | null>(composeEdits, null)
  const config = loadConfig(undefined, flags)
  const result = await visit(config, async (visiting) =>
    work(await findBatch(wanted, visiting, config), edit, flags.dryRun === true),
  )
  const { id: batch, dryRun, retried, refused } = result
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ batch, dryRun, retried, refused })}\n`
      : `${retriedWords(result).join('\n')}\n`,
  )
}

async function work({ manifest, session }: FoundBatch, edit: Edit | null, dryRun: boolean): Promise<Retried> {
  const { redis, keys, deadLetters: queue } = session
  const letters = createDeadLetters(redis, keys, queue)
  const id = manifest.batch
  // What a crash left of an earlier retry.
  if (!dryRun) await letters.sweep()
  const counts = dryRun ? await wouldRetry(id, letters) : await retryAll(id, letters, edit)
  const batch = await readBatchSnapshot(session, id)
  return { ...counts, batch, queue: await readQueueSnapshot(session), id, dryRun, input: manifest.input.name }
}

type Counts = Pick<Retried, 'retried' | 'refused'>

async function retryAll(batch: string, letters: DeadLetters, edit: Edit | null): Promise<Counts> {
  let retried = 0
  const refused: Partial<Record<Refusal, number>> = {}
  for await (const page of letters.find({ batch })) {
    const result = await letters.retry(page, edit)
    retried += result.retried
    for (const { why } of result.refused) refused[why] = (refused[why] ?? 0) + 1
  }
  return { retried, refused }
}

async function wouldRetry(batch: string, letters: DeadLetters): Promise<Counts> {
  let sendable = 0
  let not = 0
  for await (const page of letters.find({ batch })) {
    for (const letter of await letters.getMany(page)) {
      if (letter.sendable) sendable++
      else not++
    }
  }
  return { retried: sendable, refused: not === 0 ? {} : { not_sendable: not } }
}
