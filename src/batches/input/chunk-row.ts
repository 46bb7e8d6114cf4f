import { join } from 'node:path'
import { z } from 'zod'
import { StagingDamaged } from './input-errors.js'
import { LINE_PROBLEM_CODES } from './line-problem.js'

export const CHUNKS_FILE = 'chunks.jsonl'

/** The fastest of node's digests on a processor without SHA extensions. It tells contents apart and guards no secret. */
export const DIGEST = 'sha1'

export function chunksPath(directory: string): string {
  return join(directory, CHUNKS_FILE)
}

const lineProblemSchema = z.strictObject({
  code: z.enum(LINE_PROBLEM_CODES),
  message: z.string(),
  param: z.string().nullable(),
  line: z.int().positive(),
})

/** One line of `chunks.jsonl`: a contiguous range of the source and the requests in it. Ranges follow one another. */
const chunkRowSchema = z.strictObject({
  /** Index of its first request. */
  first: z.int().nonnegative(),
  count: z.int().positive(),
  offset: z.int().nonnegative(),
  bytes: z.int().positive(),
  /** Number of the line the range begins with, and of its last request. */
  line: z.int().positive(),
  lastLine: z.int().positive(),
  /** Of the bytes in the range (`DIGEST`), in hex. */
  digest: z.string(),
  /** The requests in it that can't be sent: position in the chunk, custom_id, problem. */
  rejects: z.array(z.tuple([z.int().nonnegative(), z.string().nullable(), lineProblemSchema])),
})

export type ChunkRow = z.infer<typeof chunkRowSchema>

/** @throws StagingDamaged when the text is not a row. */
export function parseChunkRow(text: string, path: string): ChunkRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new StagingDamaged(path, 'a row of it is not JSON', { cause: error })
  }
  const row = chunkRowSchema.safeParse(value)
  if (!row.success) throw new StagingDamaged(path, 'a row of it is not what staging writes')
  return row.data
}
