import { readFile } from 'node:fs/promises'
import { isMissing } from './files.js'

const LINES = 10

/** Gives the last lines of a log, empty when there is none yet. */
export async function logTail(path: string): Promise<string> {
  try {
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    return lines.slice(-LINES).join('\n')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
