import type { ChunkRow } from './chunk-row.js'
import type { DurableFile } from './durable-file.js'

/** Writes rows as `chunks.jsonl` has them. */
export async function appendRows(file: DurableFile, rows: readonly ChunkRow[]): Promise<void> {
  if (rows.length > 0) await file.append(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}
