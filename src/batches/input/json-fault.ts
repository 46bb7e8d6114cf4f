const WORD = /[A-Za-z]+/y
const JSON_WORDS = new Set(['true', 'false', 'null'])
const DIGIT = /[0-9.]/

/**
 * What is wrong with a text that JSON.parse refused, without quoting it: V8's own messages contain the source.
 * Columns are 1-based and count UTF-16 units.
 */
export function describeJsonFault(text: string, error: unknown): string {
  if (!text.trimStart().startsWith('{')) {
    return 'The line is not valid JSON: it does not begin with {. Each line must be one complete JSON object.'
  }
  const word = strangeWordAt(text)
  if (word !== null) {
    return `The line is not valid JSON: at column ${word + 1} stands a word that JSON doesn't have (it has true, false and null; None, True, NaN and undefined are not JSON).`
  }
  const position = positionIn(error)
  const where = position === null ? '' : ` (column ${position + 1})`
  return `The line is not valid JSON${where}. Each line must be one complete JSON object.`
}

/** V8 ends a message with the position for most faults; the anchor keeps text of the line from being taken for it. */
function positionIn(error: unknown): number | null {
  if (!(error instanceof Error)) return null
  const match = / JSON at position (\d{1,15})(?: \(line \d+ column \d+\))?$/.exec(error.message)
  return match === null ? null : Number(match[1])
}

/** Where the first bare word other than true, false and null begins, or null: the fault V8 gives no position for. */
function strangeWordAt(text: string): number | null {
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === "'") return null
    if (char === '"') {
      at = endOfString(text, at)
      continue
    }
    WORD.lastIndex = at
    const word = WORD.exec(text)?.[0]
    if (word === undefined) {
      at += 1
      continue
    }
    const exponent = DIGIT.test(text.charAt(at - 1)) && /^e$/i.test(word)
    if (!exponent && !JSON_WORDS.has(word)) return at
    at += word.length
  }
  return null
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char === 0x5c) at += 1
    else if (char === 0x22) return at + 1
  }
  return text.length
}
