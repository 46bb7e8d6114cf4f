import { z } from 'zod'
import { failureOf } from '../../conduit/failure.js'
import type { Failure } from '../../conduit/outcome.js'
import type { RequestPlace } from '../request.js'
import type { DeadLetter } from './dead-letter.js'

/** Only what we write ourselves (`errorLine`). */
const errorLineSchema = z.object({
  custom_id: z.string().nullable(),
  response: z
    .object({
      status_code: z.int(),
      request_id: z.string().nullable(),
      body: z.record(z.string(), z.unknown()),
    })
    .nullable(),
  error: z
    .object({
      code: z.string(),
      message: z.string(),
      line: z.int().positive().nullish(),
      /** Written for lines that could not be sent, and only for them. */
      param: z.string().nullish(),
    })
    .nullable(),
})

type ErrorLine = z.infer<typeof errorLineSchema>

/**
 * The dead letter that a line of an errors file tells of, as far as it does: no model, no history, no line number
 * where Conduit's own answer ended the request.
 * @param place which request it answers (`placeOfLine`)
 * @param at when it died, as far as is known (Unix ms)
 * @throws when it is no line of an errors file of ours
 */
export function letterOfLine(line: string, place: RequestPlace, at: number): DeadLetter {
  const read = errorLineSchema.parse(JSON.parse(line))
  const failure = failureIn(read)
  const { error } = read
  const sendable = error === null || error.param === undefined
  return {
    batch: place.batch,
    index: place.index,
    generation: place.generation,
    customId: read.custom_id,
    line: error?.line ?? null,
    model: null,
    code: error?.code ?? failure.code,
    failure,
    attempts: attemptsTold(error?.message) ?? (sendable ? 1 : 0),
    history: [],
    sendable,
    body: null,
    at,
  }
}

function failureIn({ response, error }: ErrorLine): Failure {
  if (response !== null) {
    if (error === null && response.status_code < 300) throw new Error('an answer is no dead letter')
    return failureOf({
      kind: 'answer',
      status: response.status_code,
      requestId: response.request_id,
      retryAfter: null,
      text: JSON.stringify(response.body),
    })
  }
  if (error === null) throw new Error('a line with neither response nor error is none of ours')
  const message = error.message.replace(GAVE_UP, '')
  return { status: null, code: error.code, message, requestId: null, envelope: null }
}

/** As `decide` words it. */
const GAVE_UP = /^gave up after (\d+) attempts; the last one: /

function attemptsTold(message = ''): number | null {
  const told = GAVE_UP.exec(message)?.[1]
  return told === undefined ? null : Number(told)
}
