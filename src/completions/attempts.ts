import { z } from 'zod'
import { oneLine } from '../conduit/text.js'

/** Earlier attempts that are kept of a request. */
export const KEPT_ATTEMPTS = 20

const MAX_MESSAGE = 200

const attemptSchema = z.object({
  /** Unix milliseconds. */
  at: z.number(),
  status: z.number().nullable(),
  code: z.string(),
  /** One line of at most 200 characters. */
  message: z.string(),
  requestId: z.string().nullable(),
})

/** One failed call of a request. */
export type FailedAttempt = Readonly<z.infer<typeof attemptSchema>>

/** An attempt as it is kept, in a few words. */
export function failedAttempt(failure: Omit<FailedAttempt, 'at'>, at: number): FailedAttempt {
  const { status, code, message, requestId } = failure
  return { at, status, code, message: oneLine(message, MAX_MESSAGE), requestId }
}

/**
 * The attempts that a job remembers. `settle` has BullMQ keep them where it keeps stack traces: what else may stand
 * there is passed over.
 */
export function readAttempts(traces: readonly string[] | null | undefined): FailedAttempt[] {
  return (traces ?? []).flatMap((text) => {
    const read = attemptSchema.safeParse(jsonOf(text))
    return read.success ? [read.data] : []
  })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a stack trace, of a defect of ours
  }
}
