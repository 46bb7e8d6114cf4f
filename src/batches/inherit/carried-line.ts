import { z } from 'zod'
import { lineId } from '../../completions/output-line.js'
import type { RequestPlace } from '../../completions/request.js'

/** Where a line of ours goes on after its id. */
const AFTER_ID = /^\{"id":"[^"]*"/

const errorLineSchema = z.looseObject({ error: z.looseObject({ line: z.int() }).nullable() })

/** A line of results as one of another batch: only its id changes. */
export function carriedAnswer(line: string, place: RequestPlace): string {
  return line.replace(AFTER_ID, () => `{"id":"${lineId(place)}"`)
}

/**
 * A line of errors as one of another batch, where its request stands on another line of the input.
 * @throws when it is no line of ours
 */
export function carriedFailure(line: string, place: RequestPlace, inputLine: number): string {
  const { error, ...rest } = errorLineSchema.parse(JSON.parse(line))
  const mended = error === null ? null : { ...error, line: inputLine }
  return carriedAnswer(JSON.stringify({ ...rest, error: mended }), place)
}
