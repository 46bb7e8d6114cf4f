import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { RequestPlace } from '../completions/request.js'
import type { QueueKeys } from '../redis/keys.js'
import type { ChunkReader } from './input/chunks.js'
import { InputChanged, InputNotFound, InputUnreadable } from './input/input-errors.js'
import { type RequestsAt, requestsAt, type Unsendable } from './requests-at.js'

interface RetriedDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
}

/**
 * Reads requests that were retried. Unlike a first feed, which stops its batch, one whose line can't be read any more
 * (the user mended the file in place, say) is given as unsendable: it becomes a dead letter again, and can be
 * retried once the input is back.
 */
export async function readRetried(
  batch: string,
  places: readonly RequestPlace[],
  chunks: ChunkReader,
  deps: RetriedDeps,
): Promise<RequestsAt> {
  try {
    return await requestsAt(batch, places, chunks, deps)
  } catch (error) {
    if (!isLost(error)) throw error
    if (places.length === 1)
      return { requests: [], unsendable: await Promise.all(places.map(lost(error, deps))) }
    const halves = [places.slice(0, places.length >> 1), places.slice(places.length >> 1)]
    const read: RequestsAt[] = []
    for (const half of halves) read.push(await readRetried(batch, half, chunks, deps))
    return {
      requests: read.flatMap(({ requests }) => requests),
      unsendable: read.flatMap(({ unsendable }) => unsendable),
    }
  }
}

type LostInput = InputChanged | InputNotFound | InputUnreadable

function isLost(error: unknown): error is LostInput {
  return [InputChanged, InputNotFound, InputUnreadable].some((kind) => error instanceof kind)
}

const endSchema = z.object({ customId: z.string().nullish(), line: z.int().nullish() })

/** What a request was called stands with its last end, as retry.lua noted it. */
function lost({ code, message }: LostInput, { redis, keys }: RetriedDeps) {
  return async ({ batch, index, generation }: RequestPlace): Promise<Unsendable> => {
    const history = (await redis.hget(keys.history(batch), String(index))) ?? ''
    const end = history.slice(history.lastIndexOf('\n') + 1)
    const { customId = null, line = null } = end === '' ? {} : endSchema.parse(JSON.parse(end))
    return { index, generation, customId, problem: { code, message, param: null, line }, sendable: true }
  }
}
