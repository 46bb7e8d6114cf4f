import { displayWidth, splitAt } from './width.js'

const NO_BREAK_SPACE = '\u00a0'

/**
 * `text` as lines of at most `columns`, broken between words; a word that is longer than a line is broken
 * where the line ends, so that nothing is left out. `together`: phrases (commands to copy) that are not broken
 * while they fit on a line.
 */
export function wrap(text: string, columns: number, together: readonly string[] = []): string[] {
  const room = Math.max(2, columns)
  const lines: string[] = []
  let line = ''
  for (const word of words(text, together)) {
    const joined = line === '' ? word : `${line} ${word}`
    if (displayWidth(joined) <= room) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    const pieces = breakWord(word, room)
    line = pieces.pop() ?? ''
    lines.push(...pieces)
  }
  if (line !== '' || lines.length === 0) lines.push(line)
  return lines
}

function words(text: string, together: readonly string[]): string[] {
  let joined = text
  for (const phrase of together) {
    joined = joined.replaceAll(phrase, () => phrase.replaceAll(' ', NO_BREAK_SPACE))
  }
  return joined
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll(NO_BREAK_SPACE, ' '))
}

/** A phrase that is too long to stay together is first broken at its spaces. */
function breakWord(word: string, room: number): string[] {
  if (displayWidth(word) <= room) return [word]
  if (word.includes(' ')) return wrap(word, room)
  const pieces: string[] = []
  let rest = word
  while (displayWidth(rest) > room) {
    const [head, tail] = splitAt(rest, room)
    pieces.push(head)
    rest = tail
  }
  return [...pieces, rest]
}
