import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { asInputError, readFileBytes, withInputErrors } from './file-bytes.js'
import { InputUnreadable } from './input-errors.js'
import { isGzip, spool } from './spool.js'

/** An input as a plain file on disk, to be read as often as needed. */
export interface InputSource {
  /** Absolute. */
  readonly path: string
  /** True when the file is our copy (stdin, gzip, a pipe) rather than the user's own. */
  readonly spooled: boolean
  readonly bytes: number
  /** Of the plain text, in hex: the same for `prompts.jsonl` and `prompts.jsonl.gz`. */
  readonly sha256: string
}

/**
 * Finds the input and streams it once. A plain file stays where it is; what can't be read a second time or not at
 * any position (`-` for stdin, gzip by name or by its first bytes, a named pipe) is copied, decompressed, to
 * `<spoolDir>/<sha256>.jsonl`, so that the same content is the same file again.
 * @throws InputNotFound, InputUnreadable
 */
export async function openSource(
  input: string,
  { spoolDir, stdin }: { readonly spoolDir: string; readonly stdin: AsyncIterable<Buffer> },
): Promise<InputSource> {
  const copy = async (bytes: AsyncIterable<Buffer>, name: string, gzip: boolean): Promise<InputSource> => ({
    ...(await spool(bytes, { input: name, spoolDir, gzip })),
    spooled: true,
  })
  if (input === '-') return copy(withInputErrors(stdin, 'stdin'), 'stdin', false)

  const path = resolve(input)
  const stats = await statInput(path, input)
  if (stats.isDirectory()) throw new InputUnreadable(input, 'it is a directory; name a file.')
  const gzip = input.toLowerCase().endsWith('.gz')
  if (stats.isFile() && !gzip && !(await beginsAsGzip(path, input))) {
    return { path, spooled: false, ...(await digestOf(readFileBytes(path, { input }))) }
  }
  return copy(readFileBytes(path, { input }), input, gzip)
}

async function statInput(path: string, input: string): Promise<Stats> {
  return stat(path).catch((error: unknown) => {
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

async function digestOf(source: AsyncIterable<Buffer>): Promise<{ bytes: number; sha256: string }> {
  const sha256 = createHash('sha256')
  let bytes = 0
  for await (const buffer of source) {
    sha256.update(buffer)
    bytes += buffer.length
  }
  return { bytes, sha256: sha256.digest('hex') }
}
