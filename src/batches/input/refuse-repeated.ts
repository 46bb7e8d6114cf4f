import { rm } from 'node:fs/promises'
import { sizeOf } from '../../completions/asked.js'
import type { SizeCount } from '../../credits/request-sizes.js'
import { appendRows } from './append-rows.js'
import { readChunkLines } from './chunk-lines.js'
import { CHUNKS_FILE, type ChunkRow, parseChunkRow } from './chunk-row.js'
import { createDurableFile } from './durable-file.js'
import { readFileBytes } from './file-bytes.js'
import type { ParsedLine } from './line-problem.js'
import { readLines } from './lines.js'
import { parseLine } from './parse-line.js'
import type { RepeatedIds } from './repeated-ids.js'
import { changed, type InputSource } from './source.js'
import type { Tally } from './tally.js'

interface Staging {
  readonly source: InputSource
  readonly model: string | null
  readonly directory: string
  readonly sizes?: SizeCount
}

/**
 * Writes `chunks.jsonl` as the draft has it, with lines whose custom_id was used before among the rejected ones; the
 * draft goes. Only chunks with such lines are read again.
 * @throws InputChanged
 */
export async function refuseRepeated(
  repeated: RepeatedIds,
  draft: string,
  tally: Tally,
  staging: Staging,
): Promise<void> {
  const file = await createDurableFile(staging.directory)
  try {
    for await (const { lines } of readLines(readFileBytes(draft))) {
      const rows: ChunkRow[] = []
      for (const line of lines) {
        const row = parseChunkRow(line.bytes.toString('utf8'), draft)
        rows.push(await withRepeated(row, repeated, tally, staging))
      }
      await appendRows(file, rows)
    }
    await file.commit(CHUNKS_FILE)
  } catch (error) {
    await file.discard()
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function withRepeated(
  row: ChunkRow,
  repeated: RepeatedIds,
  tally: Tally,
  { source, model, sizes }: Staging,
): Promise<ChunkRow> {
  const from = repeated.from(row.line)
  const to = repeated.from(row.lastLine + 1)
  if (from === to) return row
  const lines = await readChunkLines(source.path, row)
  if (lines?.length !== row.count) throw changed(source)
  const firstLines = new Map<number, number>()
  for (let at = from; at < to; at += 1) firstLines.set(repeated.line(at), repeated.firstLine(at))

  const rejects = [...row.rejects]
  for (const [position, input] of lines.entries()) {
    const firstLine = firstLines.get(input.line)
    const parsed = firstLine === undefined ? null : parseLine(input, model)
    // What can't be sent for another reason says that.
    if (firstLine === undefined || !parsed?.ok) continue
    const refused = refuse(parsed.customId, input.line, firstLine)
    tally.refuse(refused)
    sizes?.remove(sizeOf(parsed.body))
    rejects.push([position, refused.customId, refused.problem])
  }
  return { ...row, rejects: rejects.sort(([one], [other]) => one - other) }
}

function refuse(customId: string, line: number, firstLine: number): ParsedLine & { ok: false } {
  const given = customId === `line-${line}` ? ' (a line without one is called line-N)' : ''
  const message = `custom_id was used on line ${firstLine} already${given}; give each line one of its own.`
  return { ok: false, customId, problem: { code: 'duplicate_custom_id', message, param: 'custom_id', line } }
}
