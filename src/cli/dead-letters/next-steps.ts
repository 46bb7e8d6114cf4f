import { readBatchSnapshot, readQueueSnapshot } from '../../batches/read-snapshot.js'
import type { Session } from '../../batches/session.js'
import { INBOX_BATCH } from '../../completions/request.js'
import { suggested } from '../text/suggest.js'
import { workCommand, workersSentence } from '../text/workers-words.js'

/** Queues and batches whose letters were retried. */
export type Retried = ReadonlyMap<Session, ReadonlySet<string>>

/** Who will call what was retried, and which command to type next. */
export async function nextSteps(retried: Retried): Promise<string[]> {
  const sentences: string[] = []
  for (const [session, batches] of retried) {
    const queue = await readQueueSnapshot(session)
    sentences.push(workersSentence(queue))
    if (queue.workers > 0) sentences.push(...(await unattended(session, batches)))
    if (queue.holds.length > 0) {
      sentences.push(
        `Queue ${queue.queue} is paused: nothing is called until it goes on. Why: ${suggested('conduit-batch status')}`,
      )
    }
  }
  const all = [...retried.values()]
    .flatMap((batches) => [...batches])
    .filter((batch) => batch !== INBOX_BATCH)
  const [only] = all
  if (only !== undefined) {
    sentences.push(
      all.length === 1
        ? `Follow it: ${suggested(`conduit-batch status ${only} --watch`)}`
        : `Follow them: ${suggested('conduit-batch list')}`,
    )
  }
  return sentences
}

/** Only a worker in its own data directory can hand out the requests of a batch. */
async function unattended({ redis, keys }: Session, batches: ReadonlySet<string>): Promise<string[]> {
  const places = new Map<string, string>()
  for (const batch of batches) {
    const [directory, path] = await redis.hmget(keys.batch(batch), 'directory', 'directoryPath')
    if (!directory || places.has(directory)) continue
    if ((await redis.exists(keys.lease(directory))) === 0) places.set(directory, path ?? directory)
  }
  return [...places.values()].map(
    (place) => `But none works where the input is (${place}). Start one there: ${workCommand()}`,
  )
}

/** The state of the batches, for `--json`. */
export async function batchStates(retried: Retried): Promise<{ batch: string; state: string | null }[]> {
  const states: { batch: string; state: string | null }[] = []
  for (const [session, batches] of retried) {
    for (const batch of batches) {
      states.push({ batch, state: (await readBatchSnapshot(session, batch))?.state ?? null })
    }
  }
  return states
}
