import { z } from 'zod'
import { readCompletion } from '../conduit/completion.js'
import { failureOf } from '../conduit/failure.js'
import type { EndingOnDisk } from './record.js'

/** Only what we write ourselves: the body is Conduit's, and may hold anything. */
const lineSchema = z.object({
  response: z.object({ status_code: z.int(), body: z.record(z.string(), z.unknown()) }).nullable(),
  error: z.object({ code: z.string() }).nullable(),
})

const NO_TOKENS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }

/**
 * What a line in one of our files says of its request: what was recorded when it was written, since the same readers
 * look at the same body. @throws when it is no line of ours
 */
export function endingOfLine(line: string): EndingOnDisk {
  const { response, error } = lineSchema.parse(JSON.parse(line))
  if (error !== null) return { kind: 'dead', code: error.code, usage: NO_TOKENS }
  if (response === null) throw new Error('a line with neither response nor error is none of ours')
  const { status_code: status, body } = response
  if (status === 200) {
    return { kind: 'completed', code: '', usage: readCompletion(body)?.usage ?? NO_TOKENS }
  }
  const reply = {
    kind: 'answer',
    status,
    requestId: null,
    retryAfter: null,
    text: JSON.stringify(body),
  } as const
  return { kind: 'dead', code: failureOf(reply).code, usage: NO_TOKENS }
}
