import { createHash, type Hash } from 'node:crypto'
import { type ChunkRow, DIGEST } from './chunk-row.js'
import type { ParsedLine } from './line-problem.js'
import type { InputLine, LineBlock } from './lines.js'

/** A chunk ends with the line that reaches one of these; so it is larger by at most one line. */
export interface ChunkLimits {
  readonly requests: number
  readonly bytes: number
}

export const CHUNK_LIMITS: ChunkLimits = { requests: 500, bytes: 1024 * 1024 }

interface OpenChunk {
  readonly first: number
  readonly offset: number
  readonly line: number
  readonly digest: Hash
  readonly rejects: ChunkRow['rejects']
  count: number
  lastLine: number
}

/**
 * Cuts the blocks of a source into chunks and hashes each one's bytes as they pass. Chunks follow one another
 * without a gap: blank lines belong to the chunk of the request after them, those at the end to the last chunk.
 * A line ends in the block that brings it, so a chunk's end is always in the block at hand: none is kept.
 */
export function createChunkCutter(limits: ChunkLimits = CHUNK_LIMITS) {
  let chunk = begin(0, 0, 1)
  let hashedTo = 0
  const content = createHash(DIGEST)

  const hashTo = (offset: number, block: LineBlock) => {
    chunk.digest.update(block.bytes.subarray(hashedTo - block.offset, offset - block.offset))
    hashedTo = offset
  }

  const close = (): ChunkRow => {
    const { first, count, offset, line, lastLine, rejects } = chunk
    const digest = chunk.digest.digest('hex')
    content.update(digest)
    chunk = begin(first + count, hashedTo, lastLine + 1)
    return { first, count, offset, bytes: hashedTo - offset, line, lastLine, digest, rejects }
  }

  return {
    /** Takes the next line of a block and why it can't be sent. Gives the chunk it completes, or null. */
    add(block: LineBlock, input: InputLine, rejected: (ParsedLine & { ok: false }) | null): ChunkRow | null {
      if (rejected !== null) chunk.rejects.push([chunk.count, rejected.customId, rejected.problem])
      chunk.count += 1
      chunk.lastLine = input.line
      if (chunk.count < limits.requests && input.end - chunk.offset < limits.bytes) return null
      hashTo(input.end, block)
      return close()
    },

    /** All lines of the block were added. */
    passed(block: LineBlock): void {
      hashTo(block.offset + block.bytes.length, block)
    },

    /** The source is at its end. Gives the chunk that was still open, or null, and a digest of all bytes. */
    end(): { readonly last: ChunkRow | null; readonly digest: string } {
      const last = chunk.count === 0 ? null : close()
      // Blank lines behind the last chunk are in none.
      content.update(chunk.digest.digest('hex'))
      return { last, digest: content.digest('hex') }
    },
  }
}

function begin(first: number, offset: number, line: number): OpenChunk {
  return { first, offset, line, digest: createHash(DIGEST), rejects: [], count: 0, lastLine: 0 }
}
