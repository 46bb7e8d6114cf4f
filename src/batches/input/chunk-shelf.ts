import type { ChunkReader, ReadChunk } from './chunks.js'

/** Chunks that are being fed, so that each is read, checked and parsed once; many batches share the room for them. */
export interface ChunkShelf {
  /** Reads chunks as the given reader does, but for one that lies here. */
  of(batch: string, chunks: ChunkReader): ChunkReader
}

interface Kept {
  readonly at: number
  readonly found: ReadChunk
}

/** What all chunks here may weigh in their inputs. */
const MOST_BYTES = 16 * 1024 * 1024

/** Keeps one chunk a batch; what was not asked for the longest goes first when there is no room. */
export function createChunkShelf(mostBytes = MOST_BYTES): ChunkShelf {
  const kept = new Map<string, Kept>()
  let bytes = 0

  function drop(batch: string): void {
    bytes -= kept.get(batch)?.found.chunk.bytes ?? 0
    kept.delete(batch)
  }

  function keep(batch: string, entry: Kept): void {
    drop(batch)
    kept.set(batch, entry)
    bytes += entry.found.chunk.bytes
    for (const oldest of kept.keys()) {
      if (bytes <= mostBytes) return
      drop(oldest)
    }
  }

  return {
    of: (batch, chunks) => ({
      ...chunks,
      async read(cursor) {
        const known = kept.get(batch)
        const found = known?.at === cursor.at ? known.found : await chunks.read(cursor)
        if (found === null) drop(batch)
        else keep(batch, { at: cursor.at, found })
        return found
      },
      async close() {
        drop(batch)
        await chunks.close()
      },
    }),
  }
}
