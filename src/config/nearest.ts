/** A word this far from what was meant is another word. */
const MOST_EDITS = 3

/** The one of `known` that was most likely meant by `word`, or null when none is like it. */
export function nearest(word: string, known: readonly string[]): string | null {
  const most = Math.min(MOST_EDITS, Math.ceil(word.length / 3))
  let best: { readonly name: string; readonly edits: number } | null = null
  for (const name of known) {
    const edits = editsBetween(word.toLowerCase(), name.toLowerCase())
    if (edits <= most && edits < (best?.edits ?? Number.POSITIVE_INFINITY)) best = { name, edits }
  }
  return best?.name ?? null
}

/** How many characters must be put in, taken out or changed to make one of the other (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const changed = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(changed, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    above = current
  }
  return above[b.length] ?? 0
}

/** The end of a sentence about a name that is not among `known`. */
export function knownNames(word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return `${meant === null ? 'there' : `did you mean ${meant}? There`} are: ${known.join(', ')}`
}
