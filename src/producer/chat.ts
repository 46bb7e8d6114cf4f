import { z } from 'zod'

/** A message of a conversation. What it holds beyond role and content goes through untouched. */
export const chatMessageSchema = z.looseObject({
  role: z.string().min(1),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
})

/**
 * The body of a chat completion, as Conduit takes it. Only what can't be sent is refused: whether values are right is
 * for Conduit to judge, and fields that are not named here go through untouched.
 */
export const chatRequestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(chatMessageSchema).min(1),
  max_tokens: z.number().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  stream: z.literal(false, 'streams are not supported: remove it, the answer comes whole').nullish(),
})

/** What `enqueue` takes. */
export type ChatRequest = z.input<typeof chatRequestSchema>

const tokens = z.number()

/** What Conduit answers. Typed for whoever reads it; the body is given as it came. */
export const chatCompletionSchema = z.looseObject({
  id: z.string().optional(),
  object: z.string().optional(),
  created: z.number().optional(),
  model: z.string().optional(),
  choices: z
    .array(
      z.looseObject({
        index: z.number().optional(),
        message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z.looseObject({ prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens }).optional(),
})

/** The body of an answer. */
export type ChatCompletion = z.output<typeof chatCompletionSchema>

const customIdSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((text) => text.isWellFormed(), 'holds half a surrogate pair, which is no character')

/** What `enqueue` takes beside the request. */
export const enqueueOptionsSchema = z.strictObject({
  customId: customIdSchema.optional(),
  maxAttempts: z.int().min(1).max(1000).optional(),
  timeoutMs: z.number().min(1).max(3_600_000).optional(),
  keepAnswersMs: z.int().min(1000).optional(),
})
