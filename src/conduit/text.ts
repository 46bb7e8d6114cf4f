// Anything a terminal would obey rather than print: C0, DEL, C1, and the Unicode line and direction controls.
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu

/** `text` on one line, safe to print on a terminal and well formed (Redis's cjson refuses half a pair), at most `max` UTF-16 units long. */
export function oneLine(text: string, max: number): string {
  const line = text.replace(CONTROL, ' ').trim().toWellFormed()
  if (line.length <= max) return line
  const cut = line.slice(0, max - 1)
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/** Far more than any answer needs, far less than what overflows the stack of `JSON.stringify`. */
const MAX_DEPTH = 500

/** The value of a JSON text, a BOM allowed; undefined when it is none, or nested so deep that it can't be written. */
export function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text)
    return isWritable(value) ? value : undefined
  } catch {
    return undefined // the callers' rule: what cannot be read is judged by its status
  }
}

/** `JSON.parse` reads any depth, `JSON.stringify` does not: an answer that no file can hold must not get that far. */
function isWritable(value: unknown, depthLeft = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depthLeft === 0) return false
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof child === 'object' && !isWritable(child, depthLeft - 1)) return false
  }
  return true
}
