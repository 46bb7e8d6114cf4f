import { isBatchId } from '../../batches/known-batches.js'
import type { Session } from '../../batches/session.js'
import { createDeadLetters, type DeadLetters } from '../../completions/dead-letters/dead-letters.js'
import type { DeadLetterFilter } from '../../completions/dead-letters/select.js'
import type { Config } from '../../config.js'
import { BatchNotFound, findBatch } from '../batch/find-batch.js'
import type { FilterFlags } from '../commands/dead-letters.js'
import { assertKnownQueue, type Visit } from '../visit.js'

/** The dead letters of one queue that somebody means. */
export interface Lot {
  readonly queue: string
  readonly session: Session
  readonly letters: DeadLetters
  readonly filter: DeadLetterFilter
}

/**
 * Opens every queue that the options name: without `--queue` all that are set up, and all that Redis knows.
 * @throws BatchNotFound, BatchAmbiguous, UnknownQueue
 */
export async function openLots(visiting: Visit, config: Config, flags: FilterFlags): Promise<Lot[]> {
  if (flags.queue !== undefined) await assertKnownQueue(flags.queue, visiting, config)
  const queues = await visiting.queues()
  const filter = await filterOf(flags, visiting, config)
  const named = queues.filter((queue) => flags.queue === undefined || queue === flags.queue)
  return Promise.all(
    named.map(async (queue) => {
      const session = await visiting.session(queue)
      const letters = createDeadLetters(session.redis, session.keys, session.deadLetters)
      return { queue, session, letters, filter }
    }),
  )
}

async function filterOf(flags: FilterFlags, visiting: Visit, config: Config): Promise<DeadLetterFilter> {
  const { batch, code, model, olderThan } = flags
  return {
    ...(batch === undefined ? {} : { batch: await batchId(batch, visiting, config) }),
    ...(code === undefined ? {} : { code }),
    ...(model === undefined ? {} : { model }),
    ...(olderThan === undefined ? {} : { olderThanMs: Date.now() - olderThan }),
  }
}

/** A batch that nobody knows any more may still have dead letters under its id. */
async function batchId(wanted: string, visiting: Visit, config: Config): Promise<string> {
  try {
    return (await findBatch(wanted, visiting, config)).manifest.batch
  } catch (error) {
    if (!(error instanceof BatchNotFound) || !isBatchId(wanted)) throw error
    for (const queue of await visiting.queues()) {
      const { redis, keys } = await visiting.session(queue)
      if ((await redis.zcard(keys.deadLetters.byBatch(wanted))) > 0) return wanted
    }
    throw error
  }
}
