import type { BigIntStats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { asInputError, readFileBytes, withInputErrors } from './file-bytes.js'
import { InputChanged, InputUnreadable } from './input-errors.js'
import { isGzip, spool } from './spool.js'

/** An input as a plain file on disk, to be read as often as needed. */
export interface InputSource {
  /** Absolute. */
  readonly path: string
  /** True when the file is our copy (stdin, gzip, a pipe) rather than the user's own. */
  readonly spooled: boolean
  readonly bytes: number
  /** Which file it is, its size and when it was changed last. */
  readonly seen: string
}

/**
 * Finds the input. A plain file stays where it is and is not read yet; what can't be read a second time or not at
 * any position (`-` for stdin, gzip by name or by its first bytes, a named pipe) is copied, decompressed, to
 * `<spoolDir>/input.jsonl`.
 * @throws InputNotFound, InputUnreadable
 */
export async function openSource(
  input: string,
  { spoolDir, stdin }: { readonly spoolDir: string; readonly stdin: AsyncIterable<Buffer> },
): Promise<InputSource> {
  const copy = async (bytes: AsyncIterable<Buffer>, name: string, gzip: boolean): Promise<InputSource> => {
    const path = await spool(bytes, { input: name, spoolDir, gzip })
    return found(path, true, await statInput(path, name))
  }
  if (input === '-') return copy(withInputErrors(stdin, 'stdin'), 'stdin', false)

  const path = resolve(input)
  const stats = await statInput(path, input)
  if (stats.isDirectory()) throw new InputUnreadable(input, 'it is a directory; name a file.')
  const gzip = input.toLowerCase().endsWith('.gz')
  if (stats.isFile() && !gzip && !(await beginsAsGzip(path, input))) {
    return found(path, false, stats)
  }
  return copy(readFileBytes(path, { input }), input, gzip)
}

function found(path: string, spooled: boolean, stats: BigIntStats): InputSource {
  return { path, spooled, bytes: Number(stats.size), seen: versionOf(stats) }
}

async function statInput(path: string, input: string): Promise<BigIntStats> {
  return stat(path, { bigint: true }).catch((error: unknown) => {
    throw asInputError(error, input)
  })
}

async function beginsAsGzip(path: string, input: string): Promise<boolean> {
  try {
    const handle = await open(path)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
      return isGzip(buffer.subarray(0, bytesRead))
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw asInputError(error, input)
  }
}

/** Whether a source is the file that was found, with the size and the time of change that it had then. */
export async function isUnchanged({ path, seen }: InputSource): Promise<boolean> {
  return (await statInput(path, path).then(versionOf)) === seen
}

/** Its bytes are not those that were found. */
export function changed({ path }: InputSource): InputChanged {
  return new InputChanged(
    `${path} changed while it was read. Nothing was sent; run it again once nothing writes to it.`,
  )
}

function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}`
}
