import { createHash } from 'node:crypto'
import { type ChunkRow, DIGEST } from './chunk-row.js'
import { readFileBytes } from './file-bytes.js'
import { type InputLine, readLines } from './lines.js'

/**
 * The lines of a chunk, once all its bytes are known to be what they were; null when they are not.
 * @throws InputNotFound, InputUnreadable
 */
export async function readChunkLines(path: string, row: ChunkRow): Promise<InputLine[] | null> {
  const range = { start: row.offset, end: row.offset + row.bytes }
  const digest = createHash(DIGEST)
  const lines: InputLine[] = []
  for await (const block of readLines(readFileBytes(path, { range }), row)) {
    digest.update(block.bytes)
    // An edited file may hold any number of lines here; one too many is enough to see it.
    for (const line of block.lines) if (lines.length <= row.count) lines.push(line)
  }
  return digest.digest('hex') === row.digest ? lines : null
}
