import type { Asked } from './record.js'

/** Model and length of what a body asks for; content that is no text counts nothing. */
export function asked(body: Readonly<Record<string, unknown>>): Asked {
  const { model, messages } = body
  const chars = Array.isArray(messages)
    ? messages.reduce((sum: number, message: unknown) => sum + lengthOf(message), 0)
    : 0
  return { model: typeof model === 'string' ? model : '', chars }
}

function lengthOf(message: unknown): number {
  const content = (message as { readonly content?: unknown } | null)?.content
  return typeof content === 'string' ? content.length : 0
}
