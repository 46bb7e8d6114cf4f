import { createHash, type Hash } from 'node:crypto'
import type { ChunkRow } from './chunk-row.js'
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
  readonly sha256: Hash
  readonly rejects: ChunkRow['rejects']
  count: number
  lastLine: number
}

/**
 * Cuts the blocks of a source into chunks and hashes each one's bytes as they pass. Chunks follow one another
 * without a gap: blank lines belong to the chunk of the request after them, those at the end to the last chunk.
 * A line ends in the block that brings it, so a chunk's end is always in the block at hand: none is kept.
 */
export function createChunkCutter(limits: ChunkLimits) {
  let chunk = begin(0, 0, 1)
  let hashedTo = 0

  const hashTo = (offset: number, block: LineBlock) => {
    chunk.sha256.update(block.bytes.subarray(hashedTo - block.offset, offset - block.offset))
    hashedTo = offset
  }

  const close = (): ChunkRow => {
    const { first, count, offset, line, lastLine, sha256, rejects } = chunk
    chunk = begin(first + count, hashedTo, lastLine + 1)
    return {
      first,
      count,
      offset,
      bytes: hashedTo - offset,
      line,
      lastLine,
      sha256: sha256.digest('hex'),
      rejects,
    }
  }

  return {
    /** Takes the next line of a block and what it turned out to be. Gives the chunk it completes, or null. */
    add(block: LineBlock, input: InputLine, parsed: ParsedLine): ChunkRow | null {
      if (!parsed.ok) chunk.rejects.push([chunk.count, parsed.customId, parsed.problem])
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

    /** The source is at its end. Gives the chunk that was still open, or null. */
    end(): ChunkRow | null {
      return chunk.count === 0 ? null : close()
    },
  }
}

function begin(first: number, offset: number, line: number): OpenChunk {
  return { first, offset, line, sha256: createHash('sha256'), rejects: [], count: 0, lastLine: 0 }
}
