import { rmSync } from 'node:fs'

const directories = new Set<string>()

/** Has a directory removed at the end, whatever ends the bench. */
export function removeAtExit(directory: string): string {
  directories.add(directory)
  return directory
}

/** Removes them now. */
export function removeAll(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}
