import { openChunkIndex, type PlacedRow } from './chunk-index.js'
import { readChunkLines } from './chunk-lines.js'
import { type ChunkRow, chunksPath } from './chunk-row.js'
import { InputChanged, InputNotFound, StagingDamaged } from './input-errors.js'
import type { InputLine } from './lines.js'
import { parseLine } from './parse-line.js'
import type { RejectedLine } from './rejects.js'

/** Where to go on reading: a byte offset in `chunks.jsonl`, 0 at the start. Stays valid as long as the file does. */
export interface ChunkCursor {
  readonly at: number
}

/** A request that can be sent. */
export interface InputRequest {
  readonly index: number
  /** Line of the input, 1-based. */
  readonly line: number
  readonly customId: string
  readonly body: Record<string, unknown>
  /** Of its line. */
  readonly bytes: number
}

/** Up to 500 requests: indexes `first` to `first + count - 1`, each in `requests` or in `rejects`, both in order. */
export interface Chunk {
  readonly first: number
  readonly count: number
  readonly requests: readonly InputRequest[]
  readonly rejects: readonly RejectedLine[]
  /** Size in the input. */
  readonly bytes: number
}

export interface ReadChunk {
  readonly chunk: Chunk
  /** Cursor of the chunk after it. */
  readonly next: ChunkCursor
}

/** What a chunk weighs in the input; nothing of it is read for that. */
export type ChunkSize = Pick<Chunk, 'first' | 'count' | 'bytes'>

/** Which requests a chunk holds, known without reading the source. */
export interface ChunkSpan {
  readonly first: number
  readonly count: number
  readonly next: ChunkCursor
}

export interface ChunkReader {
  /** The requests of the chunk at a cursor; null when there are no more. */
  span(at: ChunkCursor): Promise<ChunkSpan | null>
  /** The chunk at a cursor; null when there are no more. */
  read(at: ChunkCursor): Promise<ReadChunk | null>
  /** The chunk that holds the request with this index; null when there is none. */
  find(index: number): Promise<ReadChunk | null>
  /** The size of the chunk that holds the request with this index; null when there is none. */
  sizeAt(index: number): Promise<ChunkSize | null>
  close(): Promise<void>
}

export interface ChunkReaderOptions {
  /** Where `stageInput` wrote. */
  readonly directory: string
  readonly sourcePath: string
  /** The one it was staged with. */
  readonly model: string | null
}

/**
 * Reads a staged input chunk by chunk from its source. The bytes are checked against the hash from staging before
 * anything of them is handed out, so that an edited file can't give requests other texts. What staging
 * rejected stays rejected.
 * @throws StagingDamaged; `read` and `find` also InputChanged when the source was edited or is gone, and
 * InputUnreadable
 */
export async function openChunks({ directory, sourcePath, model }: ChunkReaderOptions): Promise<ChunkReader> {
  const index = await openChunkIndex(directory)

  const load = async (placed: PlacedRow | null): Promise<ReadChunk | null> => {
    if (placed === null) return null
    const { row, next } = placed
    const lines = await readRange(sourcePath, row)
    if (lines.length !== row.count) {
      throw new StagingDamaged(
        chunksPath(directory),
        `lines ${row.line}–${row.lastLine} are now read otherwise`,
      )
    }
    return { chunk: toChunk(row, lines, model), next: { at: next } }
  }

  return {
    async span({ at }) {
      const placed = await index.rowAt(at)
      return placed && { first: placed.row.first, count: placed.row.count, next: { at: placed.next } }
    },
    read: async ({ at }) => load(await index.rowAt(at)),
    find: async (wanted) => load(await index.rowOf(wanted)),
    sizeAt: async (wanted) => (await index.rowOf(wanted))?.row ?? null,
    close: () => index.close(),
  }
}

async function readRange(path: string, row: ChunkRow): Promise<InputLine[]> {
  const lines = await readChunkLines(path, row).catch((error: unknown) => {
    if (!(error instanceof InputNotFound)) throw error
    throw new InputChanged(`${path} is gone; its batch still needs it. Put it back to go on.`, {
      cause: error,
    })
  })
  if (lines !== null) return lines
  throw new InputChanged(
    `${path} was edited after its batch began: lines ${row.line}–${row.lastLine} are not what they were. ` +
      'Restore the file to go on, or run the edited one: what is unchanged keeps its answers.',
  )
}

function toChunk(row: ChunkRow, lines: readonly InputLine[], model: string | null): Chunk {
  const rejected = new Map(row.rejects.map(([position, ...reject]) => [position, reject]))
  const requests: InputRequest[] = []
  const rejects: RejectedLine[] = []
  for (const [position, input] of lines.entries()) {
    const index = row.first + position
    const [customId, problem] = rejected.get(position) ?? []
    if (customId !== undefined && problem !== undefined) {
      rejects.push({ index, customId, problem })
      continue
    }
    const parsed = parseLine(input, model)
    // A version that is stricter than the one that staged still owes the request an end.
    if (!parsed.ok) rejects.push({ index, customId: parsed.customId, problem: parsed.problem })
    else {
      const { customId, body } = parsed
      requests.push({ index, line: input.line, customId, body, bytes: input.bytes.length })
    }
  }
  return { first: row.first, count: row.count, requests, rejects, bytes: row.bytes }
}
