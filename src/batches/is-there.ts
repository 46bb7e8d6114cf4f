import { access } from 'node:fs/promises'
import { codeOf } from './links.js'

/** Whether there is something under this path; throws where that can't be told. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
