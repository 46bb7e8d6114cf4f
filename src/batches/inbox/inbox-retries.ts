import type { Queue } from 'bullmq'
import { z } from 'zod'
import { countJobs } from '../../completions/queues.js'
import {
  type CompletionRequest,
  INBOX_BATCH,
  type RequestLimits,
  requestLimitsSchema,
} from '../../completions/request.js'
import { loadScript, runScript } from '../../redis/scripts.js'
import { addRequests } from '../jobs.js'
import type { InboxDeps } from './inbox-collector.js'

const fedScript = loadScript(new URL('../fed.lua', import.meta.url))

/** Retries that are fed at once. */
const MOST_RETRIES = 200
/** No more once their bodies have come to this much. */
const MOST_RETRIED_BYTES = 16 * 1024 * 1024
/** While the queue has this much to do, only a few go at a time: enough not to wait for ever. */
const ENOUGH_READY = 500
const A_FEW = 10

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
  const { redis, keys } = deps
  const indexes = await nextRetries(deps)
  if (indexes.length === 0) return 0
  const [generations, histories, edits] = await Promise.all([
    redis.hmget(keys.generations(INBOX_BATCH), ...indexes),
    redis.hmget(keys.history(INBOX_BATCH), ...indexes),
    redis.hmget(keys.edits(INBOX_BATCH), ...indexes),
  ])
  const requests = indexes.flatMap((index, i) => {
    const body = readBody(edits[i])
    // Without a body there is nothing to call: Redis has lost it.
    return body === null ? [] : [toRequest(index, generations[i], body, readEnd(histories[i]))]
  })
  await addRequests(INBOX_BATCH, requests, deps)
  const fed = indexes.flatMap((index, i) => [index, generations[i] ?? '0'])
  await runScript(redis, fedScript, [keys.retries(INBOX_BATCH), keys.generations(INBOX_BATCH)], fed)
  return requests.length
}

async function nextRetries({ redis, keys, queue }: InboxRetryDeps): Promise<string[]> {
  const first = await redis.zrange(keys.retries(INBOX_BATCH), '0', String(MOST_RETRIES - 1))
  if (first.length === 0) return []
  const isBusy = (await countJobs(queue)).waiting >= ENOUGH_READY
  const indexes = isBusy ? first.slice(0, A_FEW) : first
  const sizes = await Promise.all(indexes.map((index) => redis.hstrlen(keys.edits(INBOX_BATCH), index)))
  let left = MOST_RETRIED_BYTES
  return indexes.filter((_, i) => {
    const fits = left > 0
    left -= sizes[i] ?? 0
    return fits
  })
}

function toRequest(
  index: string,
  generation: string | null | undefined,
  body: Record<string, unknown>,
  { customId, limits }: LastEnd,
): CompletionRequest {
  return {
    batch: INBOX_BATCH,
    index: Number(index),
    generation: Number(generation ?? 0),
    customId: customId ?? index,
    line: Number(index) + 1,
    body,
    ...(limits === undefined ? {} : { limits }),
  }
}

const editSchema = z.object({ body: z.record(z.string(), z.unknown()) })
const endSchema = z.object({ customId: z.string().nullish(), limits: requestLimitsSchema.optional() })

interface LastEnd {
  readonly customId?: string | null | undefined
  readonly limits?: RequestLimits | undefined
}

/** What to call: a retry of a request that is in no input file always gives the whole body. */
function readBody(edit: string | null | undefined): Record<string, unknown> | null {
  return edit ? editSchema.parse(JSON.parse(edit)).body : null
}

/** The end that the request came to last, which is the last line of its history. */
function readEnd(history: string | null | undefined): LastEnd {
  const last = history?.slice(history.lastIndexOf('\n') + 1)
  return last ? endSchema.parse(JSON.parse(last)) : {}
}
