import { readCompletion } from './completion.js'
import { boundedRequestId } from './envelope.js'
import { failureOf, rulingOf } from './failure.js'
import type { Outcome } from './outcome.js'
import type { Reply } from './reply.js'
import { parseRetryAfterMs } from './retry-after.js'
import { parseJson } from './text.js'

/**
 * What one call meant; pure, and never throws. `nowMs` (Unix milliseconds) is what a `Retry-After` date is counted
 * from.
 *
 * Only a 200 that holds a completion is `completed`. Otherwise the table in codes.ts decides: a code of Conduit's
 * counts only with a status that Conduit documents it for, else the status decides alone; an error status decides even
 * when its body was cut or never came. A 2xx that is no completion is `retry`, whatever error it holds inside; one that
 * was too large is `dead`. Without a status, our own code decides.
 */
export function classify(reply: Reply, nowMs: number): Outcome {
  if (reply.kind === 'answer' && reply.status === 200) {
    const completion = readCompletion(parseJson(reply.text))
    if (completion !== null) {
      return { kind: 'completed', requestId: boundedRequestId(reply.requestId), ...completion }
    }
  }
  return judge(reply, nowMs)
}

function judge(reply: Reply, nowMs: number): Outcome {
  const failure = failureOf(reply)
  const ruling = rulingOf(reply, failure.code)
  const retryAfterMs = parseRetryAfterMs(reply.retryAfter, nowMs)
  switch (ruling.kind) {
    case 'retry':
    case 'throttled':
      return { kind: ruling.kind, failure, retryAfterMs }
    case 'held':
      return { kind: 'held', failure, reason: ruling.reason, retryAfterMs }
    case 'dead':
      return { kind: 'dead', failure }
  }
}
