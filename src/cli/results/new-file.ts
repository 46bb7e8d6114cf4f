import { randomBytes } from 'node:crypto'
import { access, link, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { shellPath } from '../text/shell-word.js'

/** Something is there already, and nobody said that it may go. */
export class FileInPlace extends Error {
  readonly code = 'file_in_place'
}

/** The file can't be written. */
export class FileUnwritable extends Error {
  readonly code = 'file_unwritable'
}

const NEWLINE = 0x0a
const OVERWRITES = 'Name another file, or replace it with --force.'

/**
 * Writes a file that is there whole or not at all; gives how many lines it has.
 * @throws FileInPlace unless `force`, FileUnwritable, and what `blocks` throws
 */
export async function writeNewFile(
  path: string,
  blocks: AsyncIterable<Buffer>,
  force: boolean,
): Promise<number> {
  const target = resolve(path)
  if (!force && (await exists(target))) throw inPlace(path)
  const draft = `${target}.${randomBytes(6).toString('hex')}.partial`
  const file = await open(draft, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? `there is no directory ${dirname(target)}` : error.code
    throw new FileUnwritable(
      `${shellPath(path)} can't be written: ${why}. Name a file elsewhere with --output.`,
    )
  })
  try {
    let lines = 0
    for await (const block of blocks) {
      await file.writeFile(block)
      lines += countLines(block)
    }
    await file.sync()
    await file.close()
    await settle(draft, target, path, force)
    return lines
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

/** Its name, at last. A file that came meanwhile stays. */
async function settle(draft: string, target: string, path: string, force: boolean): Promise<void> {
  if (force) return rename(draft, target)
  try {
    await link(draft, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || (await exists(target))) throw inPlace(path)
    // A file system without such links.
    await rename(draft, target)
  }
}

function inPlace(path: string): FileInPlace {
  return new FileInPlace(`${shellPath(path)} is there already. ${OVERWRITES}`)
}

function countLines(block: Buffer): number {
  let lines = 0
  for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
