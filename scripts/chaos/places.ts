import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of the package, from a source file and from its compiled form. */
function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return directory
}

export const BIN = join(packageRoot(), 'bin', 'conduit-batch.js')

/** The compiled entry point of one role. */
export function roleScript(role: 'completion' | 'batch' | 'alert'): string {
  return join(packageRoot(), 'dist', 'workers', `${role}.js`)
}
