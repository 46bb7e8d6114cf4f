import type { Incident } from '../admission/hold.js'
import { type DataDirectory, openDataDirectory } from '../batches/data-directory.js'
import { readQueueSnapshot } from '../batches/read-snapshot.js'
import type { QueueSnapshot } from '../batches/snapshot.js'
import { queueKeys } from '../redis/keys.js'
import { createAnswers } from './answers.js'
import { type BatchHandle, createBatchHandle } from './batch-handle.js'
import type { ChatRequest } from './chat.js'
import { type EnqueueOptions, enqueue } from './enqueue.js'
import { AnswerExpired, BatchUnknown, ProducerOptionInvalid, RequestUnknown } from './errors.js'
import { createLink } from './link.js'
import { type ProducerOptions, readOptions } from './options.js'
import { createRequestHandle, type RequestHandle } from './request-handle.js'
import { isSameRequest, parseRequestId } from './request-id.js'
import { createRoomCheck } from './room.js'
import { type BatchInput, type SubmitOptions, submitBatch } from './submit-batch.js'

/** What `incidents` gives. */
export interface IncidentsOptions {
  /** How many at most; by default all that are kept. */
  readonly limit?: number
}

/** The open one, and those of the past that are kept. */
const MOST_INCIDENTS = 201

/**
 * Hands work over to a queue. It makes no calls itself: workers do (`conduit-batch work` or `serve`). Every method
 * rejects within seconds when Redis is away.
 */
export interface Producer extends AsyncDisposable {
  /**
   * Enqueues one chat completion. What it resolves to is durable: workers answer it whatever becomes of this process.
   *
   * The custom id is what makes it safe to repeat: enqueued again under the same one, a request is the same request,
   * and no second call is made, for as long as its answer is kept (7 days by default). So give it one where you might
   * enqueue again, after a crash or a `RedisUnavailable` say. Without one it gets one of its own.
   *
   * ```ts
   * const request = await producer.enqueue(
   *   { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'What is the capital of France?' }] },
   *   { customId: 'order-4711' },
   * )
   * const result = await request.result()
   * if (result.kind === 'completed') use(result.response.choices[0]?.message.content)
   * ```
   *
   * @throws RequestInvalid, CustomIdTaken, RedisUnavailable, RedisFull, InboxFull, ProducerClosed
   */
  enqueue(request: ChatRequest, options?: EnqueueOptions): Promise<RequestHandle>
  /**
   * Gives the handle of a request that was enqueued before, here or elsewhere.
   * @param id a handle's `id`
   * @throws RequestUnknown, AnswerExpired, RedisUnavailable, ProducerClosed
   */
  handle(id: string): Promise<RequestHandle>
  /**
   * Submits many requests as one batch, from a file (`.jsonl`, `.jsonl.gz`) or from anything that can be iterated.
   * What it resolves to is durable: the input is in the data directory (a plain file stays where it is, and must stay
   * as it is), and Redis knows the batch.
   *
   * The same content with the same queue, model and output is the same batch: submitted again, it goes on where it
   * is, and nothing is paid for twice. `fresh: true` starts over.
   *
   * ```ts
   * const batch = await producer.submitBatch('prompts.jsonl', { model: 'gpt-4o-mini' })
   * for await (const result of batch) console.log(result.customId, result.kind)
   * ```
   *
   * @throws RequestInvalid, ProducerOptionInvalid, InputNotFound, InputUnreadable, InputEmpty, InputChanged,
   *   OutputUnusable, OutputTaken, BadLines, DataDirectoryUnusable, RedisUnavailable, RedisFull, ProducerClosed
   */
  submitBatch(input: BatchInput, options?: SubmitOptions): Promise<BatchHandle>
  /**
   * Gives the handle of a batch of this data directory.
   * @throws BatchUnknown, DataDirectoryUnusable
   */
  batch(id: string): Promise<BatchHandle>
  /**
   * Tells where the queue stands: what holds its gate, its pace with the limit as learned, calls in flight, what waits,
   * and how many workers there are. Cheap enough to be asked every second, for a metric or a page.
   *
   * ```ts
   * const { holds, pace, waiting, workers } = await producer.status()
   * ```
   *
   * @throws RedisUnavailable, ProducerClosed
   */
  status(): Promise<QueueSnapshot>
  /**
   * Gives the queue's incidents, an open one first, then the newest first: each from the first hold that takes a person
   * to the first answer after it, with its holds, what waited, and who or what ended it. The last 200 are kept, for 90 days.
   *
   * ```ts
   * const [last] = await producer.incidents({ limit: 1 })
   * if (last?.resolvedAt === null) console.log(last.message, last.requestId)
   * ```
   *
   * @throws ProducerOptionInvalid, RedisUnavailable, ProducerClosed
   */
  incidents(options?: IncidentsOptions): Promise<Incident[]>
  /** Lets go of Redis. Whoever waits for a result is rejected with `ProducerClosed`; the work goes on. */
  close(): Promise<void>
}

/**
 * Makes a producer for one queue. It connects when it is first used; `close()` it, or the process stays alive.
 *
 * ```ts
 * await using producer = createProducer({ redis: 'redis://127.0.0.1:6380/0' })
 * ```
 *
 * Without `redis` it shares the private Redis of the data directory with the command line.
 *
 * @throws ProducerOptionInvalid, InvalidRedisUrl, InvalidQueueName, InvalidKeyPrefix
 */
export function createProducer(options: ProducerOptions = {}): Producer {
  const settings = readOptions(options)
  const { queue, keyPrefix, dataDirectory, keepAnswersMs } = settings
  // A name that can't be right is told at once.
  queueKeys(keyPrefix, queue)
  const link = createLink(settings)
  const answers = createAnswers(link)
  const hasRoom = createRoomCheck()
  let opening: Promise<DataDirectory> | null = null

  function directory(): Promise<DataDirectory> {
    opening ??= openDataDirectory(dataDirectory).catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }

  async function close(): Promise<void> {
    await answers.close()
    await link.close()
  }

  return {
    enqueue: (request, given = {}) => enqueue(request, given, { link, answers, hasRoom, keepAnswersMs }),
    async handle(id) {
      const parsed = parseRequestId(id)
      if (parsed === null) throw new RequestUnknown(id)
      const stored = await answers.look(parsed.index)
      if (stored.kind === 'expired') throw new AnswerExpired(id)
      if (stored.kind === 'unknown' || !isSameRequest(parsed, stored.customId)) throw new RequestUnknown(id)
      return createRequestHandle(parsed, stored.customId, answers)
    },
    async submitBatch(input, given = {}) {
      const place = await directory()
      const deps = { link, directory: place, queue }
      return submitBatch(input, given, deps, (manifest) => createBatchHandle(manifest, place, link))
    },
    async batch(id) {
      const place = await directory()
      const manifest = /^b[0-9a-f]{12}$/.test(id) ? await place.manifest(id) : null
      if (manifest?.queue !== queue) throw new BatchUnknown(id, place.path)
      return createBatchHandle(manifest, place, link)
    },
    status: () => link.use(readQueueSnapshot),
    async incidents({ limit = MOST_INCIDENTS } = {}) {
      if (!Number.isInteger(limit) || limit < 1) {
        throw new ProducerOptionInvalid('limit must be a whole number of at least 1')
      }
      return link.use(({ gate }) => gate.incidents(limit))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
