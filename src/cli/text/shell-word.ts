import { oneLine } from './harmless.js'

/**
 * A word as a POSIX shell reads it back, for commands that are shown: quoted only when it has to be. Characters
 * that can't be shown safely are left out.
 */
export function shellWord(word: string): string {
  const shown = oneLine(word)
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`
}

/** A path as an argument: never mistaken for an option. */
export function shellPath(path: string): string {
  return shellWord(path.startsWith('-') ? `./${path}` : path)
}
