import { createChunkCutter } from './chunk-cutter.js'
import { readFileBytes } from './file-bytes.js'
import { readLines } from './lines.js'

/**
 * A digest of what a file holds, in hex: that of the digests of its chunks, so that staging, which needs those,
 * has it without hashing a byte twice.
 * @throws InputNotFound, InputUnreadable
 */
export async function contentDigest(path: string): Promise<string> {
  const cutter = createChunkCutter()
  for await (const block of readLines(readFileBytes(path))) {
    for (const line of block.lines) cutter.add(block, line, null)
    cutter.passed(block)
  }
  return cutter.end().digest
}
