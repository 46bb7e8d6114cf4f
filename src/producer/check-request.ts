import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { MAX_LINE_BYTES } from '../batches/input/lines.js'
import { deeperThan, MAX_DEPTH } from '../batches/input/request-line.js'
import { chatRequestSchema, enqueueOptionsSchema } from './chat.js'
import { RequestInvalid, type RequestIssue } from './errors.js'

type JsonObject = Record<string, unknown>

/** A request that can be sent: a copy of its own, of JSON values only. */
export interface CheckedRequest {
  readonly body: JsonObject
  /** The same for two bodies that mean the same. */
  readonly digest: string
}

/**
 * Checks a request and takes a copy, so that what its owner does with it later changes nothing.
 * @throws RequestInvalid
 */
export function checkRequest(request: unknown): CheckedRequest {
  const body = copyOf(request)
  const read = chatRequestSchema.safeParse(body)
  if (!read.success) throw new RequestInvalid(issuesOf(read.error, ''))
  return { body: body as JsonObject, digest: digestOf(body) }
}

/** @throws RequestInvalid */
export function checkEnqueueOptions(options: unknown): z.output<typeof enqueueOptionsSchema> {
  const read = enqueueOptionsSchema.safeParse(options)
  if (!read.success) throw new RequestInvalid(issuesOf(read.error, 'options'))
  return read.data
}

/** SHA-256 of a JSON value, whatever the order of its keys. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sorted)).digest('hex')
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function copyOf(request: unknown): unknown {
  const text = jsonOf(request)
  if (text === undefined) throw refused('It is no JSON object.')
  if (Buffer.byteLength(text) > MAX_LINE_BYTES) {
    throw refused(`It is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB.`)
  }
  const copy: unknown = JSON.parse(text)
  if (typeof copy === 'object' && copy !== null && deeperThan(copy, MAX_DEPTH)) {
    throw refused(`It is nested more than ${MAX_DEPTH} levels deep.`)
  }
  return copy
}

/** undefined where JSON has no word for it. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    // A BigInt, a circle, or nesting without end. The message names no values.
    throw refused(`It can't be written as JSON (${(error as Error).name}).`)
  }
}

function refused(message: string): RequestInvalid {
  return new RequestInvalid([{ path: '', message }])
}

function issuesOf(error: z.ZodError, prefix: string): RequestIssue[] {
  return error.issues.map(({ path, message }) => ({
    path: [...(prefix === '' ? [] : [prefix]), ...path].map(String).join('.'),
    message,
  }))
}
