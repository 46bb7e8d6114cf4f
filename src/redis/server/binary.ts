import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const SERVER_NAMES = ['redis-server', 'valkey-server']

/** Where packages put a server; searched when there is no PATH at all. */
const USUAL_DIRECTORIES = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/local/sbin',
  '/usr/sbin',
  '/opt/homebrew/bin',
  '/opt/local/bin',
]

/**
 * Gives the absolute path of `redis-server`, else of `valkey-server`, else null.
 * @param searchPath the environment's PATH; undefined searches only where packages usually put it
 */
export function findServerBinary(searchPath: string | undefined): string | null {
  const listed = (searchPath ?? '').split(delimiter).filter((directory) => directory.startsWith('/'))
  const directories = searchPath === undefined ? USUAL_DIRECTORIES : listed
  for (const name of SERVER_NAMES) {
    const found = directories.map((directory) => join(directory, name)).find(isExecutableFile)
    if (found !== undefined) return found
  }
  return null
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    // Absent, or not ours to run: in both cases not a server we can start.
    return false
  }
}
