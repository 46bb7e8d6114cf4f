import { join } from 'node:path'
import { writeDurably } from './data-directory.js'
import { isThere } from './is-there.js'

const NAME = 'registered'

/**
 * Notes on disk, beside the batch's own files, that Redis has taken it: only such a one can be lost there. A batch that
 * Redis refused waits until its command is typed again.
 * @param directory where the batch's own files are
 */
export async function noteRegistered(directory: string): Promise<void> {
  if (!(await wasRegistered(directory))) await writeDurably(join(directory, NAME), '')
}

/** Whether a Redis has ever known it. */
export function wasRegistered(directory: string): Promise<boolean> {
  return isThere(join(directory, NAME))
}
