import { type FileHandle, open } from 'node:fs/promises'
import { type ChunkRow, chunksPath, parseChunkRow } from './chunk-row.js'
import { errnoOf, StagingDamaged } from './input-errors.js'

const LF = 0x0a
const READ_BYTES = 16 * 1024

/** A row and the offset of the row after it. */
export interface PlacedRow {
  readonly row: ChunkRow
  readonly next: number
}

export interface ChunkIndex {
  /** The row that begins at a byte offset of `chunks.jsonl`; null at its end. */
  rowAt(at: number): Promise<PlacedRow | null>
  /** The row of the chunk that holds a request; null when no chunk does. */
  rowOf(index: number): Promise<PlacedRow | null>
  close(): Promise<void>
}

/**
 * Opens `<directory>/chunks.jsonl`. Rows are read where they lie: a batch of any size costs no memory.
 * @throws StagingDamaged, here and when a row is read
 */
export async function openChunkIndex(directory: string): Promise<ChunkIndex> {
  const path = chunksPath(directory)
  const handle = await open(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new StagingDamaged(path, 'it is missing', { cause: error })
  })

  const rowAt = async (at: number): Promise<PlacedRow | null> => {
    const bytes = await readRow(handle, at)
    if (bytes.length === 0) return null
    if (bytes.at(-1) !== LF) throw new StagingDamaged(path, 'its last row is cut')
    return { row: parseChunkRow(bytes.toString('utf8'), path), next: at + bytes.length }
  }

  return {
    rowAt,

    async rowOf(index) {
      let placed = await rowAt(await offsetBefore(index))
      while (placed !== null && placed.row.first + placed.row.count <= index)
        placed = await rowAt(placed.next)
      return placed !== null && placed.row.first <= index ? placed : null
    },

    close: () => handle.close(),
  }

  /** Bisects the file by bytes: the offset of a row at or before the one that holds the request, near it. */
  async function offsetBefore(index: number): Promise<number> {
    let low = 0
    let high = (await handle.stat()).size
    while (high - low > READ_BYTES) {
      const middle = Math.floor((low + high) / 2)
      const start = middle + (await readRow(handle, middle)).length
      const placed = start < high ? await rowAt(start) : null
      if (placed !== null && placed.row.first <= index) low = start
      else high = middle
    }
    return low
  }
}

/** The bytes from an offset up to and with the next LF, or to the end of the file. */
async function readRow(handle: FileHandle, at: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = at; ; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, offset)
    const piece = buffer.subarray(0, bytesRead)
    const cut = piece.indexOf(LF) + 1
    pieces.push(cut > 0 ? piece.subarray(0, cut) : piece)
    if (cut > 0 || bytesRead === 0) return Buffer.concat(pieces)
    offset += bytesRead
  }
}
