import { type FileHandle, open } from 'node:fs/promises'
import { placeOfLine } from '../completions/output-line.js'
import type { RequestPlace } from '../completions/request.js'
import { ResultFileDamaged } from './result-file.js'

/** Where a line of one of our files stands. */
export interface PlacedLine {
  readonly place: RequestPlace
  /** Of its first byte. */
  readonly offset: number
  /** Bytes, without the newline. */
  readonly length: number
}

const READ_BYTES = 1 << 20
/** Longer than any `{"id":"batch_req_…_…_…"`. */
const HEAD_BYTES = 80
const NEWLINE = 0x0a

/**
 * The bytes of a file of answers up to a mark, block by block.
 * @throws ResultFileDamaged when it is shorter than that, or gone
 */
export async function* readUpTo(path: string, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  if (bytes === 0) return
  const file = await openAnswers(path)
  try {
    for (let at = 0; at < bytes; ) {
      const block = Buffer.allocUnsafe(Math.min(READ_BYTES, bytes - at))
      const { bytesRead } = await file.read(block, 0, block.length, at)
      if (bytesRead === 0) {
        throw new ResultFileDamaged(
          `${path} has ${at} bytes, but ${bytes} were written to it: somebody shortened it. Put the whole file back.`,
        )
      }
      at += bytesRead
      yield block.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function openAnswers(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new ResultFileDamaged(
      `${path} is gone. If a retry ends just now, type the same command again; else put the file back.`,
    )
  }
}

/**
 * Where each line of a file of ours stands, up to a mark, a block's worth at a time: only the beginning of a line is
 * looked at, and none is kept.
 */
export async function* placeLines(
  path: string,
  bytes: number,
): AsyncGenerator<readonly PlacedLine[], void, undefined> {
  let head = Buffer.alloc(0)
  let start = 0
  let at = 0
  for await (const block of readUpTo(path, bytes)) {
    const lines: PlacedLine[] = []
    for (let from = 0; from < block.length; ) {
      const end = block.indexOf(NEWLINE, from)
      const until = end < 0 ? block.length : end
      if (head.length < HEAD_BYTES) {
        const more = block.subarray(from, Math.min(until, from + HEAD_BYTES - head.length))
        head = head.length === 0 ? Buffer.from(more) : Buffer.concat([head, more])
      }
      from = until + 1
      if (end < 0) continue
      const place = placeOfLine(head.toString('latin1'))
      if (place !== null) lines.push({ place, offset: start, length: at + end - start })
      start = at + end + 1
      head = Buffer.alloc(0)
    }
    at += block.length
    yield lines
  }
}
