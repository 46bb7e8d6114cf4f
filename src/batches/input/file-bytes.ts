import { createReadStream } from 'node:fs'
import { errnoOf, InputNotFound, InputUnreadable } from './input-errors.js'

const READ_BYTES = 256 * 1024

export interface ByteRange {
  /** First byte. */
  readonly start: number
  /** The byte after the last. */
  readonly end: number
}

/**
 * Streams a file, or a range of it, in fresh buffers of up to 256 KiB. `input` is how the user calls the file.
 * @throws InputNotFound, InputUnreadable
 */
export async function* readFileBytes(
  path: string,
  { input = path, range }: { readonly input?: string; readonly range?: ByteRange } = {},
): AsyncGenerator<Buffer, void, undefined> {
  // A stream can't be asked for no byte at all: its end is the last byte.
  if (range !== undefined && range.end <= range.start) return
  const part = range === undefined ? {} : { start: range.start, end: range.end - 1 }
  yield* withInputErrors(createReadStream(path, { ...part, highWaterMark: READ_BYTES }), input)
}

/** Passes a source on and says what its errors mean for the input; errors of the consumer are not touched. */
export async function* withInputErrors(
  source: AsyncIterable<Buffer>,
  input: string,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* source
  } catch (error) {
    throw asInputError(error, input)
  }
}

/** What a failed system call on the input means to the person who named it. */
export function asInputError(error: unknown, input: string): unknown {
  const errno = errnoOf(error)
  if (errno === null) return error
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new InputNotFound(input, { cause: error })
    case 'EISDIR':
      return new InputUnreadable(input, 'it is a directory; name a file.', { cause: error })
    case 'EACCES':
    case 'EPERM':
      return new InputUnreadable(input, 'permission denied.', { cause: error })
    default:
      return new InputUnreadable(input, `${errno}.`, { cause: error })
  }
}
