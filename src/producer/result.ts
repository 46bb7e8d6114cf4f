import { z } from 'zod'
import { endingOfLine } from '../completions/ending-of-line.js'
import type { ChatCompletion } from './chat.js'

/** What went wrong with a request that will not be tried again by itself. */
export interface RequestFailure {
  /** Conduit's code, or one of conduit-batch's (docs/errors.md). */
  readonly code: string
  readonly message: string
  /** The HTTP status; null when Conduit gave no answer, or was not asked. */
  readonly status: number | null
  /** What Conduit's support asks for. */
  readonly requestId: string | null
  /** The fields of the request that Conduit refused, with what is wrong about each. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** What a request ended in. */
export type RequestResult =
  | {
      readonly kind: 'completed'
      readonly customId: string
      readonly response: ChatCompletion
      readonly requestId: string | null
    }
  | { readonly kind: 'failed'; readonly customId: string; readonly error: RequestFailure }

/** Lenient with the envelope, which is Conduit's and may hold anything. */
const lineSchema = z.object({
  custom_id: z.string().nullable(),
  response: z
    .object({
      status_code: z.int(),
      request_id: z.string().nullable(),
      body: z.record(z.string(), z.unknown()),
    })
    .nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})

const envelopeSchema = z.object({
  message: z.string().nullish().catch(null),
  details: z
    .object({ fields: z.record(z.string(), z.unknown()).optional().catch(undefined) })
    .nullish()
    .catch(null),
})

type Line = z.output<typeof lineSchema>

/** A line of a results or errors file of ours → what it means. @throws when it is none */
export function resultOfLine(text: string): RequestResult {
  const line = lineSchema.parse(JSON.parse(text))
  const customId = line.custom_id ?? ''
  const ending = endingOfLine(text)
  if (ending.kind === 'dead' || line.response === null) {
    return { kind: 'failed', customId, error: failureOf(line, ending.code) }
  }
  // Whoever recorded it has read it as a completion.
  const response = line.response.body as ChatCompletion
  return { kind: 'completed', customId, response, requestId: line.response.request_id }
}

function failureOf({ response, error }: Line, code: string): RequestFailure {
  const { data: envelope } = envelopeSchema.safeParse(response?.body.error)
  const status = response?.status_code ?? null
  const fields = envelope?.details?.fields
  return {
    code,
    message: error?.message ?? envelope?.message ?? `HTTP ${status}`,
    status,
    requestId: response?.request_id ?? null,
    ...(fields === undefined ? {} : { fields }),
  }
}
