import type { Queue } from 'bullmq'
import { z } from 'zod'
import { type CompletionRequest, INBOX_BATCH } from '../../completions/request.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { asJob } from '../feeder.js'
import { customIdKey } from './custom-id-key.js'
import type { InboxDeps } from './inbox-collector.js'

const reopenScript = loadScript(new URL('./reopen.lua', import.meta.url))
const fedScript = loadScript(new URL('./fed.lua', import.meta.url))

/** Retries that are fed at once. */
const MOST_RETRIES = 200
/** Retries wait where they are while the queue has this much to do. */
const ENOUGH_READY = 500

export interface InboxRetryDeps extends Pick<InboxDeps, 'redis' | 'keys'> {
  readonly queue: Queue
}

/**
 * Feeds the next requests of the inbox that were retried from the dead letters, at their new generation. They leave
 * the set of retries once they are jobs; a crash in between adds the same jobs again.
 *
 * @returns how many were fed
 */
export async function feedInboxRetries(deps: InboxRetryDeps): Promise<number> {
  const { redis, keys, queue } = deps
  const indexes = await redis.zrange(keys.retries(INBOX_BATCH), '0', String(MOST_RETRIES - 1))
  if (indexes.length === 0 || (await queue.getWaitingCount()) >= ENOUGH_READY) return 0
  const [generations, histories, edits] = await Promise.all([
    redis.hmget(keys.generations(INBOX_BATCH), ...indexes),
    redis.hmget(keys.history(INBOX_BATCH), ...indexes),
    redis.hmget(keys.edits(INBOX_BATCH), ...indexes),
  ])
  const requests = indexes.flatMap((index, i) => {
    const body = readBody(edits[i])
    // Without a body there is nothing to call: Redis has lost it.
    if (body === null) return []
    return [
      {
        batch: INBOX_BATCH,
        index: Number(index),
        generation: Number(generations[i] ?? 0),
        customId: readCustomId(histories[i]) ?? index,
        line: Number(index) + 1,
        body,
      },
    ]
  })
  if (requests.length > 0) {
    await reopen(requests, deps)
    await queue.addBulk(requests.map(asJob))
  }
  const fed = indexes.flatMap((index, i) => [index, generations[i] ?? '0'])
  await runScript(redis, fedScript, [keys.retries(INBOX_BATCH), keys.generations(INBOX_BATCH)], fed)
  return requests.length
}

const editSchema = z.object({ body: z.record(z.string(), z.unknown()) })
const endSchema = z.object({ customId: z.string().nullish() })

/** What to call: a retry of a request that is in no input file always gives the whole body. */
function readBody(edit: string | null | undefined): Record<string, unknown> | null {
  return edit ? editSchema.parse(JSON.parse(edit)).body : null
}

/** From the end that the request came to last, which is the last line of its history. */
function readCustomId(history: string | null | undefined): string | null {
  const last = history?.slice(history.lastIndexOf('\n') + 1)
  return last ? (endSchema.parse(JSON.parse(last)).customId ?? null) : null
}

async function reopen(
  requests: readonly CompletionRequest[],
  { redis, keys }: InboxRetryDeps,
): Promise<void> {
  const own = requests.flatMap(({ index, customId }) => [
    keys.inbox.request(index),
    customIdKey(keys, customId),
  ])
  const args = requests.flatMap(({ index, customId }) => [index, customId])
  await runScript(redis, reopenScript, [keys.done(INBOX_BATCH), ...own], args)
}
