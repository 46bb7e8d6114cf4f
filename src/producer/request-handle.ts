import type { Answers, Settled } from './answers.js'
import { AnswerExpired, RequestUnknown, ResultTimeout } from './errors.js'
import { isSameRequest, type RequestId } from './request-id.js'
import { type RequestResult, resultOfLine } from './result.js'

/** How long to wait for an answer. */
export interface ResultOptions {
  /** Without it: as long as it takes. The queue may be held until a person acts. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** What a timer can count; whoever gives more waits as long as it takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** `waiting`: it has no answer yet. */
export type RequestStatus = 'waiting' | 'completed' | 'failed'

/** One request that was enqueued. It goes on whatever becomes of the handle, or of this process. */
export interface RequestHandle {
  /** Names the request within its queue; `producer.handle(id)` gives this handle again, in any process. */
  readonly id: string
  readonly customId: string
  /**
   * Waits for the answer. A refusal is a result too (`failed`); so is giving up after all attempts. A Redis that
   * restarts meanwhile is waited for, up to a minute.
   *
   * @throws ResultTimeout, AnswerExpired, RequestUnknown, RedisUnavailable, ProducerClosed, the signal's reason
   */
  result(options?: ResultOptions): Promise<RequestResult>
  /** @throws AnswerExpired, RequestUnknown, RedisUnavailable, ProducerClosed */
  status(): Promise<RequestStatus>
}

/** A handle makes no trip of its own. */
export function createRequestHandle(id: RequestId, customId: string, answers: Answers): RequestHandle {
  return {
    id: id.text,
    customId,
    async result({ timeoutMs, signal } = {}) {
      signal?.throwIfAborted()
      const waiting = answers.wait(id.index)
      try {
        const settled = await within(waiting.settled, id.text, timeoutMs, signal)
        return resultOfLine(endingOf(settled, id).line)
      } finally {
        waiting.stop()
      }
    },
    async status() {
      const stored = await answers.look(id.index)
      if (stored.kind === 'open') {
        if (!isSameRequest(id, stored.customId)) throw new RequestUnknown(id.text)
        return 'waiting'
      }
      return endingOf(stored, id).completed ? 'completed' : 'failed'
    },
  }
}

/** @throws AnswerExpired, RequestUnknown */
function endingOf(settled: Settled, id: RequestId): Settled & { kind: 'ended' } {
  switch (settled.kind) {
    case 'unknown':
      throw new RequestUnknown(id.text)
    case 'expired':
      throw new AnswerExpired(id.text)
    case 'ended':
      if (!isSameRequest(id, settled.customId)) throw new RequestUnknown(id.text)
      return settled
  }
}

/** The same, or a rejection when the time is over or the signal comes first. */
async function within<T>(
  promise: Promise<T>,
  id: string,
  timeoutMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const end = new Promise<never>((_, reject) => {
    if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
      timer = setTimeout(() => reject(new ResultTimeout(id, timeoutMs)), timeoutMs)
    }
    onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, end])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
  }
}
