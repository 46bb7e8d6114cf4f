import { z } from 'zod'
import { oneLine } from './text.js'

const MAX_ENVELOPE_CHARS = 16 * 1024
const MAX_MESSAGE = 500
const MAX_CODE = 100
const MAX_REQUEST_ID = 200

/**
 * Conduit: Error Handling, "every error has this envelope". Lenient, because only `code` and `message` are acted on:
 * either may be missing, and nothing else can make an envelope unreadable.
 */
const errorSchema = z
  .looseObject({
    code: z.string().nullish(),
    message: z.string().nullish(),
    requestId: z.string().nullish().catch(null),
  })
  .refine((error) => Boolean(error.code) || Boolean(error.message))

/** What is acted on, each on one bounded line and null when absent; and the `error` object as it came. */
export interface Envelope {
  readonly code: string | null
  readonly message: string | null
  readonly requestId: string | null
  /** null when it would be larger than 16 KB. */
  readonly error: Record<string, unknown> | null
}

/** The error envelope in the JSON value of an answer; null when there is none, or `code` or `message` is no string. */
export function readEnvelope(json: unknown): Envelope | null {
  if (!isRecord(json) || !isRecord(json.error)) return null
  const read = errorSchema.safeParse(json.error)
  if (!read.success) return null
  return {
    code: bounded(read.data.code, MAX_CODE),
    message: bounded(read.data.message, MAX_MESSAGE),
    requestId: boundedRequestId(read.data.requestId),
    error: ofSaneSize(json.error),
  }
}

/** A request id from a header or an envelope, made safe to store and print. */
export function boundedRequestId(id: string | null | undefined): string | null {
  return bounded(id, MAX_REQUEST_ID)
}

/** A message made safe to store and print: one line, at most 500 characters. */
export function boundedMessage(message: string): string {
  return oneLine(message, MAX_MESSAGE)
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function bounded(text: string | null | undefined, max: number): string | null {
  const line = oneLine(text ?? '', max)
  return line === '' ? null : line
}

function ofSaneSize(error: Record<string, unknown>): Record<string, unknown> | null {
  return JSON.stringify(error).length <= MAX_ENVELOPE_CHARS ? error : null
}
