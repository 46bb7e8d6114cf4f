import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chunk, ChunkReader } from './chunks.js'
import { errnoOf, StagingDamaged } from './input-errors.js'

/** A record, as 32-bit words: 3 of the custom_id's digest, the line (0: it can't be sent), 4 of the body's digest. */
export const RECORD_WORDS = 8
export const LINE_WORD = 3
const RECORD_BYTES = RECORD_WORDS * 4
const ID_BYTES = LINE_WORD * 4
const BODY_OFFSET = ID_BYTES + 4
const BODY_BYTES = RECORD_BYTES - BODY_OFFSET
/** The fastest of node's digests for a few hundred bytes. It tells texts apart and guards no secret. */
const DIGEST = 'sha1'

/**
 * `requests.idx`: a record for each request of a batch that was ever fed, by index, in this machine's byte order. By
 * it the requests of an edited file are found to be what they were, once the file that they came from is gone.
 */
export type RequestIndex = Uint32Array<ArrayBuffer>

function indexPath(directory: string): string {
  return join(directory, 'requests.idx')
}

/**
 * Reads chunks as the given reader does, and notes each one that is read in `<directory>/requests.idx` before it is
 * handed out: so there is no answer to a request that is not noted. Reading a chunk again notes the same again.
 */
export async function notingRequests(chunks: ChunkReader, directory: string): Promise<ChunkReader> {
  const file = await open(indexPath(directory), constants.O_RDWR | constants.O_CREAT, 0o600)
  return {
    async read(at) {
      const found = await chunks.read(at)
      if (found === null) return null
      const records = recordsOf(found.chunk)
      await file.write(records, 0, records.length, found.chunk.first * RECORD_BYTES)
      return found
    },
    find: chunks.find,
    sizeAt: chunks.sizeAt,
    span: chunks.span,
    async close() {
      try {
        await chunks.close()
        await file.datasync()
      } finally {
        // A full disk is tried again and again: none of the tries may keep a file open.
        await file.close()
      }
    },
  }
}

function recordsOf({ first, count, requests }: Chunk): Buffer {
  const words = new Uint32Array(count * RECORD_WORDS)
  const bytes = Buffer.from(words.buffer)
  for (const { index, line, customId, body } of requests) {
    const record = index - first
    words[record * RECORD_WORDS + LINE_WORD] = line
    const at = record * RECORD_BYTES
    bytes.write(hash(DIGEST, customId, 'binary'), at, ID_BYTES, 'latin1')
    bytes.write(hash(DIGEST, JSON.stringify(body), 'binary'), at + BODY_OFFSET, BODY_BYTES, 'latin1')
  }
  return bytes
}

/**
 * Reads the index of a batch whole, 32 bytes a request. Null when it has none: nothing of it was fed, or an older
 * version did that.
 * @throws StagingDamaged
 */
export async function readRequestIndex(directory: string): Promise<RequestIndex | null> {
  const path = indexPath(directory)
  const file = await open(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  })
  if (file === null) return null
  try {
    return await readWords(file, path)
  } finally {
    await file.close()
  }
}

async function readWords(file: FileHandle, path: string): Promise<RequestIndex> {
  const { size } = await file.stat()
  // A crash may have cut the last record: its request was not fed.
  const records = Math.floor(size / RECORD_BYTES)
  const words = new Uint32Array(records * RECORD_WORDS)
  for (let at = 0; at < words.byteLength; ) {
    const { bytesRead } = await file.read(new Uint8Array(words.buffer), at, words.byteLength - at, at)
    if (bytesRead === 0) throw new StagingDamaged(path, 'it became shorter while it was read')
    at += bytesRead
  }
  return words
}
