/** At most `limit` UTF-16 units; what is cut ends in an ellipsis. */
export function clip(text: string, limit: number): string {
  return clipEscaped(text, limit, (character) => character)
}

/** The same for text that is escaped character by character: no escape is cut in two, and the limit holds behind it. */
export function clipEscaped(text: string, limit: number, escaped: (character: string) => string): string {
  const parts = [...text].map(escaped)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length <= limit) return parts.join('')
  let clipped = ''
  for (const part of parts) {
    if (clipped.length + part.length > limit - 1) break
    clipped += part
  }
  return `${clipped}…`
}
