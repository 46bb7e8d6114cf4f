import { z } from 'zod'
import type { EndingOnDisk } from '../completions/record.js'

const lineSchema = z.object({
  response: z
    .object({
      status_code: z.number(),
      body: z.object({
        usage: z
          .object({
            prompt_tokens: z.number().catch(0),
            completion_tokens: z.number().catch(0),
            total_tokens: z.number().catch(0),
          })
          .partial()
          .optional(),
        error: z.object({ code: z.string() }).partial().optional(),
      }),
    })
    .nullable(),
  error: z.object({ code: z.string() }).nullable(),
})

/** What a line in one of our files says of its request. @throws when it is no line of ours */
export function endingOfLine(line: string): EndingOnDisk {
  const { response, error } = lineSchema.parse(JSON.parse(line))
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 } = response?.body.usage ?? {}
  const answered = response?.status_code === 200 && error === null
  return {
    kind: answered ? 'completed' : 'dead',
    code: answered ? '' : (error?.code ?? response?.body.error?.code ?? 'unknown'),
    usage: { prompt_tokens, completion_tokens, total_tokens },
  }
}
