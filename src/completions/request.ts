import { z } from 'zod'
import { PRIORITIES } from './priority.js'
import { suspectMarkSchema } from './suspects/mark.js'

export { INBOX_BATCH } from '../redis/keys.js'

/** What a request asks for in place of its batch's options. */
export const requestLimitsSchema = z.strictObject({
  maxAttempts: z.int().positive().optional(),
  timeoutMs: z.number().positive().optional(),
})

export type RequestLimits = z.infer<typeof requestLimitsSchema>

/** One chat completion to be made, as its BullMQ job carries it. Ids and positions, and the body to send. */
export const requestSchema = z.strictObject({
  batch: z.string().regex(/^b[0-9a-f]{12}$/),
  index: z.int().nonnegative(),
  generation: z.int().nonnegative(),
  customId: z.string(),
  /** Line of the input it came from, 1-based. */
  line: z.int().positive(),
  body: z.record(z.string(), z.unknown()),
  /** How often it was refused with 429 so far. */
  refusals: z.int().nonnegative().optional(),
  /** How often it failed while Conduit was out for everybody. */
  outages: z.int().nonnegative().optional(),
  limits: requestLimitsSchema.optional(),
  /** It was refused with 402, and it may be the only one. */
  suspect: suspectMarkSchema.optional(),
})

export type CompletionRequest = z.infer<typeof requestSchema>

/** What names a request within its queue. */
export type RequestPlace = Pick<CompletionRequest, 'batch' | 'index' | 'generation'>

/** The BullMQ job id of a request: adding it twice adds it once. */
export function jobId({ batch, index, generation }: RequestPlace): string {
  return `${batch}-${index}-${generation}`
}

/** The options that travel with a batch, so that every worker honours them. Times are milliseconds. */
export const batchOptionsSchema = z.strictObject({
  concurrency: z.int().positive(),
  maxAttempts: z.int().positive(),
  timeoutMs: z.number().positive(),
  backoffBaseMs: z.number().positive(),
  backoffCapMs: z.number().positive(),
  priority: z.enum(PRIORITIES).default('normal'),
  /** How long after it was made a batch expires; none by default. */
  completionWindowMs: z.number().positive().optional(),
  /** Stop the batch when nearly all of its last outcomes are dead with one code; by default so. */
  brake: z.boolean().optional(),
  /** Stop and ask after so many requests, lines that can't be sent and retries not counted. */
  maxRequests: z.int().positive().optional(),
  /** The same at about such a cost. */
  maxCostCents: z.number().positive().optional(),
  /** What models cost, as the command's settings have it: dollars per million tokens. */
  prices: z.record(z.string(), z.strictObject({ input: z.number(), output: z.number() })).optional(),
})

export type BatchOptions = z.infer<typeof batchOptionsSchema>
