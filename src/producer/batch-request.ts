import type { ChatRequest } from './chat.js'
import { RequestInvalid } from './errors.js'

/** A request of a batch: a chat body, a prompt, or a line as OpenAI's batches have it. */
export type BatchRequest =
  | (Omit<ChatRequest, 'model'> & { readonly custom_id?: string; readonly model?: string })
  | { readonly custom_id?: string; readonly prompt: string; readonly [field: string]: unknown }
  | {
      readonly custom_id?: string
      readonly method?: 'POST'
      readonly url?: '/v1/chat/completions'
      readonly body: Readonly<Record<string, unknown>>
    }

/** Many small lines are handed on as one. */
const PORTION_CHARS = 64 * 1024

/**
 * Requests → the bytes of a file with a line for each.
 * @throws RequestInvalid for one that can't be written as JSON, and what the source throws
 */
export async function* toLines(
  requests: AsyncIterable<BatchRequest> | Iterable<BatchRequest>,
): AsyncGenerator<Buffer, void, undefined> {
  let text = ''
  let count = 0
  for await (const request of requests) {
    text += `${lineOf(request, count++)}\n`
    if (text.length < PORTION_CHARS) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}

function lineOf(request: BatchRequest, index: number): string {
  const invalid = (message: string) => new RequestInvalid([{ path: String(index), message }])
  let line: string | undefined
  try {
    line = JSON.stringify(request)
  } catch (error) {
    throw invalid(`can't be written as JSON (${(error as Error).name})`)
  }
  if (typeof request !== 'object' || line === undefined) throw invalid('is no object')
  return line
}
