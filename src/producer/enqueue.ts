import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { reserve } from '../batches/inbox/reserve.js'
import { asJob } from '../batches/jobs.js'
import type { Session } from '../batches/session.js'
import { type CompletionRequest, INBOX_BATCH } from '../completions/request.js'
import { RedisFull } from '../redis/full.js'
import type { Answers } from './answers.js'
import type { ChatRequest, enqueueOptionsSchema } from './chat.js'
import { checkEnqueueOptions, checkRequest } from './check-request.js'
import { CustomIdTaken, InboxFull } from './errors.js'
import type { Link } from './link.js'
import { createRequestHandle, type RequestHandle } from './request-handle.js'
import { requestIdOf } from './request-id.js'
import type { createRoomCheck } from './room.js'

/**
 * `customId`: your name for the request. `maxAttempts`: default 8. `timeoutMs`: for one call, default 300,000.
 * `keepAnswersMs`: how long the answer is kept, in place of the producer's.
 */
export type EnqueueOptions = z.input<typeof enqueueOptionsSchema>

export interface EnqueueDeps {
  readonly link: Link
  readonly answers: Answers
  readonly hasRoom: ReturnType<typeof createRoomCheck>
  /** How long an answer is kept when the request does not say. */
  readonly keepAnswersMs: number
}

/** A place in the inbox first, then the job under the id of that place: a crash in between is made up for by a repeat. */
export async function enqueue(
  request: ChatRequest,
  options: EnqueueOptions,
  { link, answers, hasRoom, keepAnswersMs }: EnqueueDeps,
): Promise<RequestHandle> {
  const { body, digest } = checkRequest(request)
  const {
    customId = randomUUID(),
    keepAnswersMs: keepMs = keepAnswersMs,
    ...limits
  } = checkEnqueueOptions(options)
  const keepSeconds = Math.ceil(keepMs / 1000)
  return link.use(async (session, place) => {
    if (!(await hasRoom(session.redis))) throw new RedisFull(place, 'nearly')
    const turns = { redis: session.redis, keys: session.keys, queue: session.completions }
    const { kind, index, turn } = await reserve(turns, { customId, digest, keepSeconds })
    switch (kind) {
      case 'taken':
        throw new CustomIdTaken(customId)
      case 'full':
        throw new InboxFull(session.queue, 'ever')
      case 'crowded':
        throw new InboxFull(session.queue, 'open')
      case 'new':
      case 'open':
        await addJob(session, { index, customId, body, limits }, turn)
        break
      case 'known':
        break
    }
    return createRequestHandle(requestIdOf(index, customId), customId, answers)
  })
}

async function addJob(
  { completions }: Session,
  request: Pick<CompletionRequest, 'index' | 'customId' | 'body' | 'limits'>,
  turn: number,
): Promise<void> {
  const place = { batch: INBOX_BATCH, generation: 0, line: request.index + 1 }
  const { name, data, opts } = asJob({ ...place, ...request }, turn)
  await completions.add(name, data, opts)
}
