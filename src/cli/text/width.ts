// How many terminal columns a text takes. Where terminals differ (flags, joined emoji) the larger number is
// taken: a line that is too short does no harm, one that wraps breaks the redrawing in place.

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u
const EMOJI_VARIANT = '\ufe0f'
const PLAIN = /^[ -~]*$/
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** The number of terminal columns that `text` takes at most; it must hold no control characters. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

function characterWidth(character: string): number {
  if (character === EMOJI_VARIANT) return 1
  if (ZERO.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** `text` cut to at most `columns`, with `…` at the end when something was cut. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  if (columns < 1) return ''
  return `${splitAt(text, columns - 1)[0].trimEnd()}…`
}

/** `text` in two: as many whole characters as fit into `columns`, and the rest. */
export function splitAt(text: string, columns: number): [head: string, rest: string] {
  if (PLAIN.test(text)) return cut(text, Math.max(0, columns))
  let width = 0
  for (const { segment, index } of graphemes.segment(text)) {
    width += displayWidth(segment)
    if (width > columns) return index === 0 ? splitCharacters(text, columns) : cut(text, index)
  }
  return [text, '']
}

/** For a first character made of so many parts that it does not fit as a whole. */
function splitCharacters(text: string, columns: number): [head: string, rest: string] {
  let width = 0
  let index = 0
  for (const character of text) {
    width += characterWidth(character)
    if (width > columns) break
    index += character.length
  }
  return cut(text, index)
}

function cut(text: string, index: number): [head: string, rest: string] {
  return [text.slice(0, index), text.slice(index)]
}

/** `text` with spaces behind it up to `columns`; a longer one stays as it is. */
export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}
