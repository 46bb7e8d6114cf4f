import { sizeOf } from '../../completions/asked.js'
import type { SizeCount } from '../../credits/request-sizes.js'
import { appendRows } from './append-rows.js'
import { type ChunkLimits, createChunkCutter } from './chunk-cutter.js'
import { CHUNKS_FILE, type ChunkRow } from './chunk-row.js'
import { type CustomIds, createCustomIds } from './custom-ids.js'
import { createDurableFile, type DurableFile } from './durable-file.js'
import { readFileBytes } from './file-bytes.js'
import { InputEmpty } from './input-errors.js'
import { readLines } from './lines.js'
import { parseLine } from './parse-line.js'
import { refuseRepeated } from './refuse-repeated.js'
import { changed, type InputSource, isUnchanged } from './source.js'
import { createTally, type Tally, type TallySum } from './tally.js'

export interface StageOptions {
  readonly source: InputSource
  /** For lines that name no model. */
  readonly model: string | null
  /** Where `chunks.jsonl` goes; made when missing. */
  readonly directory: string
  /** What it must hold (`contentDigest`), where somebody has looked before. */
  readonly expected?: string | null
  /** Bytes of the source read so far; called every 256 KiB. */
  readonly onProgress?: (bytesRead: number) => void
  readonly limits?: ChunkLimits
  /** Told of each request that can be sent; one that repeats a custom_id is taken back at the end. */
  readonly sizes?: SizeCount
}

/** What staging found. `total` counts every line that is not blank: `valid` + `rejected`. */
export interface StagedInput extends TallySum {
  /** `contentDigest` of the source, where the limits are the usual ones. */
  readonly digest: string
  readonly bytes: number
}

/** Rows of chunks whose custom_ids were not compared yet. */
const DRAFT_FILE = 'chunks.draft'

/**
 * Validates the source line by line and writes `<directory>/chunks.jsonl`, which appears whole and fsynced or not at
 * all. Every line that is not blank is a request and has the next index, also when it is rejected. Memory is
 * constant but for 8 bytes a line that repeats a custom_id (`createCustomIds`); the first use of an id keeps it, even
 * when that line is itself rejected.
 * @throws InputChanged when the source is no longer what `openSource` saw, or not what was expected; InputEmpty when
 * all lines are blank; InputNotFound, InputUnreadable
 */
export async function stageInput(options: StageOptions): Promise<StagedInput> {
  const { source, directory, expected = null } = options
  const file = await createDurableFile(directory)
  const ids = createCustomIds(directory)
  try {
    const tally = createTally()
    const { digest, bytes } = await writeChunks(file, ids, tally, options)
    if ((expected !== null && digest !== expected) || !(await isUnchanged(source))) throw changed(source)
    if (bytes === 0 || tally.sum().total === 0)
      throw new InputEmpty(source.spooled ? 'The input' : source.path)
    const repeated = await ids.repeated()
    if (repeated.count === 0) await file.commit(CHUNKS_FILE)
    else await refuseRepeated(repeated, await file.commit(DRAFT_FILE), tally, options)
    return { ...tally.sum(), digest, bytes }
  } catch (error) {
    await file.discard()
    throw error
  } finally {
    await ids.close()
  }
}

async function writeChunks(file: DurableFile, ids: CustomIds, tally: Tally, options: StageOptions) {
  const { source, model, onProgress, limits, sizes } = options
  const cutter = createChunkCutter(limits)
  let bytes = 0

  for await (const block of readLines(readFileBytes(source.path))) {
    const rows: ChunkRow[] = []
    await ids.room(block.lines.length)
    for (const input of block.lines) {
      const parsed = parseLine(input, model)
      if (parsed.customId !== null) ids.add(parsed.customId, input.line)
      tally.add(parsed)
      if (parsed.ok) sizes?.add(sizeOf(parsed.body))
      const row = cutter.add(block, input, parsed.ok ? null : parsed)
      if (row !== null) rows.push(row)
    }
    cutter.passed(block)
    bytes += block.bytes.length
    await appendRows(file, rows)
    onProgress?.(bytes)
  }
  const { last, digest } = cutter.end()
  if (last !== null) await appendRows(file, [last])
  return { bytes, digest }
}
