import { z } from 'zod'
import { isRecord, readEnvelope } from './envelope.js'
import type { Usage } from './outcome.js'

const tokens = z.int().nonnegative().catch(0)

/** Conduit: Chat Completions. Only what tells a completion from anything else; the rest passes through untouched. */
const completionSchema = z.looseObject({
  choices: z.array(z.looseObject({})).min(1),
  usage: z
    .object({ prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens })
    .catch({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }),
})

/** The completion in the JSON value of a 200: the body as it came, and its usage. null when it is none. */
export function readCompletion(json: unknown): { body: Record<string, unknown>; usage: Usage } | null {
  if (!isRecord(json) || readEnvelope(json) !== null) return null
  const read = completionSchema.safeParse(json)
  return read.success ? { body: json, usage: read.data.usage } : null
}
