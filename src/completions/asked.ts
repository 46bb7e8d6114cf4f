import type { Asked } from './record.js'

/** One request, as far as it says what it will take. */
export interface RequestSize extends Asked {
  /** Tokens of the answer, at most; null: no bound. */
  readonly mostTokens: number | null
}

/** Model and length of what a body asks for; content that is no text counts nothing. */
export function asked(body: Readonly<Record<string, unknown>>): Asked {
  const { model, messages } = body
  const chars = Array.isArray(messages)
    ? messages.reduce((sum: number, message: unknown) => sum + lengthOf(message), 0)
    : 0
  return { model: typeof model === 'string' ? model : '', chars }
}

/** The same, and how long its answer may get. */
export function sizeOf(body: Readonly<Record<string, unknown>>): RequestSize {
  const { max_completion_tokens: newer, max_tokens: older, n } = body
  const most = [newer, older].find((bound) => typeof bound === 'number' && bound > 0)
  const answers = typeof n === 'number' && n > 1 ? n : 1
  return { ...asked(body), mostTokens: typeof most === 'number' ? most * answers : null }
}

function lengthOf(message: unknown): number {
  const content = (message as { readonly content?: unknown } | null)?.content
  return typeof content === 'string' ? content.length : 0
}
