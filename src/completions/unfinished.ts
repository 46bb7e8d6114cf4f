import { lineId } from './output-line.js'
import type { RequestPlace } from './request.js'

/** What a request ends in that had no end of its own when its batch was ended early. Codes of OpenAI's batches. */
export const UNFINISHED_CODES = ['batch_cancelled', 'batch_expired'] as const

export type UnfinishedCode = (typeof UNFINISHED_CODES)[number]

// The second is OpenAI's own text.
const MESSAGES: Readonly<Record<UnfinishedCode, string>> = {
  batch_cancelled: 'This request was not executed because its batch was cancelled.',
  batch_expired: 'This request could not be executed before the completion window expired.',
}

/**
 * The error line of such a request, as OpenAI's batches write it. It is no dead letter.
 * @param customId null when the input can't be read any more
 * @param line of the input, 1-based
 */
export function unfinishedLine(
  place: RequestPlace,
  { customId, line }: { readonly customId: string | null; readonly line: number | null },
  code: UnfinishedCode,
): string {
  const error = { code, message: MESSAGES[code], line }
  return JSON.stringify({ id: lineId(place), custom_id: customId, response: null, error })
}

/** Whether a code says that the batch was ended, and nothing of the request. */
export function isUnfinishedCode(code: string): code is UnfinishedCode {
  return (UNFINISHED_CODES as readonly string[]).includes(code)
}

const BEGINNING = '"response":null,"error":{"code":"batch_'

/** The code of such a line; null for every other line of ours. */
export function unfinishedCodeOf(line: string): UnfinishedCode | null {
  // Nearly all lines are told apart without reading them.
  if (!line.includes(BEGINNING)) return null
  const { response, error } = JSON.parse(line) as { response: unknown; error: { code?: string } | null }
  const code = error?.code ?? ''
  return response === null && isUnfinishedCode(code) ? code : null
}
