/** Why a line can't be sent. The first four and `duplicate_custom_id` are names OpenAI's batches use too. */
export const LINE_PROBLEM_CODES = [
  'invalid_json_line',
  'invalid_request',
  'url_mismatch',
  'duplicate_custom_id',
  'method_mismatch',
  'missing_model',
  'invalid_custom_id',
  'stream_not_supported',
  'line_too_long',
  'not_utf8',
] as const

export type LineProblemCode = (typeof LINE_PROBLEM_CODES)[number]

/** What is wrong with a line, for the person who wrote it. `message` never quotes the line. */
export interface LineProblem {
  readonly code: LineProblemCode
  readonly message: string
  /** The field at fault, as a path in the line (`body.messages[2].role`); null when it is the line itself. */
  readonly param: string | null
  /** Line of the input, 1-based, blank lines counted. */
  readonly line: number
}

/** What a line turned out to be. A rejected line has a customId as far as one could be read. */
export type ParsedLine =
  | { readonly ok: true; readonly customId: string; readonly body: Record<string, unknown> }
  | { readonly ok: false; readonly customId: string | null; readonly problem: LineProblem }
