import { z } from 'zod'
import { batchOptionsSchema } from '../completions/request.js'

/**
 * What a batch is, on disk: `<data>/batches/<id>/batch.json`. Written once, before anything is in Redis, so that
 * a Redis that lost everything can be told again what there was.
 */
export const manifestSchema = z.strictObject({
  version: z.literal(1),
  batch: z.string().regex(/^b[0-9a-f]{12}$/),
  queue: z.string(),
  /** What the user calls it, to be typed instead of the id. */
  name: z.string().nullable().default(null),
  /** Hash of content, output, queue and model: the same command on the same file continues its batch. */
  identity: z.string(),
  input: z.strictObject({
    /** As the user named it; `-` is stdin. */
    name: z.string(),
    /** The lines themselves: the file in place, or the spool. */
    path: z.string(),
    spooled: z.boolean(),
    bytes: z.int(),
    /** `contentDigest`: the same for `prompts.jsonl` and `prompts.jsonl.gz`. */
    digest: z.string(),
  }),
  /** Fills in where a line names no model. */
  model: z.string().nullable(),
  options: batchOptionsSchema,
  total: z.int().positive(),
  /** The batch that had this output before, and the queue where it may still run; it ends when this one starts. */
  replaces: z.strictObject({ batch: z.string(), queue: z.string() }).nullable().default(null),
  /** What it took over from that batch, its input edited, before it began: answers and failures. */
  inherits: z
    .strictObject({ batch: z.string(), kept: z.int().nonnegative(), keptFailed: z.int().nonnegative() })
    .nullable()
    .default(null),
  /** Final names, absolute. */
  output: z.string(),
  errors: z.string(),
  /** Unix milliseconds. */
  createdAt: z.int(),
})

export type Manifest = z.infer<typeof manifestSchema>
