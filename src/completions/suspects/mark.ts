import { z } from 'zod'

/** What a job carries of a 402 that may concern only its request. Written by us, small, and without the body. */
export const suspectMarkSchema = z.strictObject({
  /** Gate epoch that the suspicion began: what it is asked for by. */
  epoch: z.int().nonnegative(),
  /** How often the request was suspected, this time included. */
  times: z.int().positive(),
  /** The balance when it was refused; null: not known. */
  balanceCents: z.number().nullable(),
  /** Conduit's answer, for the dead letter it may become. */
  failure: z.strictObject({
    status: z.number().nullable(),
    code: z.string(),
    message: z.string(),
    requestId: z.string().nullable(),
    envelope: z.record(z.string(), z.unknown()).nullable(),
  }),
})

export type SuspectMark = z.infer<typeof suspectMarkSchema>
