import type { Failure } from '../conduit/outcome.js'
import type { RequestPlace } from './request.js'

/** `batch_req_<batch>_<index>_<generation>`: unique, and what tells after a crash which request a line answers. */
export function lineId({ batch, index, generation }: RequestPlace): string {
  return `batch_req_${batch}_${index}_${generation}`
}

const LINE_ID = /^\{"id":"batch_req_(b[0-9a-f]{12})_(\d{1,15})_(\d{1,9})"/

/** Which request a line of ours answers, or null when it is no line of ours. */
export function placeOfLine(line: string): RequestPlace | null {
  const match = LINE_ID.exec(line)
  if (match === null) return null
  return { batch: match[1] as string, index: Number(match[2]), generation: Number(match[3]) }
}

const CUSTOM_ID = /^\{"id":"[^"]*","custom_id":("(?:[^"\\]|\\.)*")/

/** The custom id in a line of ours, read without the answer behind it; null when there is none. */
export function customIdOfLine(line: string): string | null {
  const match = CUSTOM_ID.exec(line)
  return match === null ? null : (JSON.parse(match[1] as string) as string)
}

/** An OpenAI output line for an answer. No newline at its end. */
export function answerLine(
  place: RequestPlace,
  customId: string,
  answer: { readonly requestId: string | null; readonly body: Record<string, unknown> },
): string {
  return JSON.stringify({
    id: lineId(place),
    custom_id: customId,
    response: { status_code: 200, request_id: answer.requestId, body: answer.body },
    error: null,
  })
}

/** What went wrong on our side of the call; OpenAI's `error` of an error line. */
export interface LineError {
  readonly code: string
  readonly message: string
  /** Line of the input, 1-based; null when it is not known any more. */
  readonly line: number | null
  readonly param?: string | null
}

/**
 * An OpenAI error line. Where Conduit answered, `response` holds its status and the whole envelope; `error` is
 * set when it was not the answer itself that ended the request (no answer, retries exhausted, never sent).
 */
export function errorLine(
  place: RequestPlace,
  customId: string | null,
  failure: Failure | null,
  error: LineError | null,
): string {
  return JSON.stringify({
    id: lineId(place),
    custom_id: customId,
    response:
      failure === null || failure.status === null
        ? null
        : {
            status_code: failure.status,
            request_id: failure.requestId,
            body: { error: failure.envelope ?? { code: failure.code, message: failure.message } },
          },
    error,
  })
}
