const CHARS_A_TOKEN = 4

/**
 * How large a request is for whoever pays for it, to compare it with others of its model: the characters that it sends,
 * and those that it asks for (`max_tokens`). Nothing of it is a price.
 */
export function sizeOf({
  messages,
  max_tokens,
  max_completion_tokens,
}: Readonly<Record<string, unknown>>): number {
  const sent = Array.isArray(messages)
    ? messages.reduce((sum: number, message: unknown) => sum + lengthOf(message), 0)
    : 0
  return sent + CHARS_A_TOKEN * (numberOf(max_completion_tokens) || numberOf(max_tokens))
}

function lengthOf(message: unknown): number {
  const content = (message as { readonly content?: unknown } | null)?.content
  if (typeof content === 'string') return content.length
  return Array.isArray(content) ? content.reduce((sum: number, part: unknown) => sum + textOf(part), 0) : 0
}

function textOf(part: unknown): number {
  const text = (part as { readonly text?: unknown } | null)?.text
  return typeof text === 'string' ? text.length : 0
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}
