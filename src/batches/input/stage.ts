import { createHash } from 'node:crypto'
import { CHUNK_LIMITS, type ChunkLimits, createChunkCutter } from './chunk-cutter.js'
import { CHUNKS_FILE, type ChunkRow } from './chunk-row.js'
import { type CustomIdIndex, createCustomIdIndex } from './custom-ids.js'
import { createDurableFile, type DurableFile } from './durable-file.js'
import { readFileBytes } from './file-bytes.js'
import { InputChanged, InputEmpty } from './input-errors.js'
import type { LineProblem, LineProblemCode, ParsedLine } from './line-problem.js'
import { readLines } from './lines.js'
import { parseLine } from './parse-line.js'
import type { InputSource } from './source.js'

const FIRST_PROBLEMS = 20

export interface StageOptions {
  readonly source: InputSource
  /** For lines that name no model. */
  readonly model: string | null
  /** Where `chunks.jsonl` goes; made when missing. */
  readonly directory: string
  /** Bytes of the source read so far; called every 256 KiB. */
  readonly onProgress?: (bytesRead: number) => void
  readonly limits?: ChunkLimits
}

/** What staging found. `total` counts every line that is not blank: `valid` + `rejected`. */
export interface StagedInput {
  readonly total: number
  readonly valid: number
  readonly rejected: number
  readonly rejectedByCode: Readonly<Partial<Record<LineProblemCode, number>>>
  /** The first 20; `readRejects` gives all. */
  readonly firstProblems: ReadonlyArray<LineProblem & { readonly customId: string | null }>
  readonly bytes: number
  readonly sha256: string
}

/**
 * Validates the source line by line and writes `<directory>/chunks.jsonl`, which appears whole and fsynced or not at
 * all. Every line that is not blank is a request and has the next index, also when it is rejected. Memory is
 * constant but for 12 to 36 bytes a line, which tell duplicate custom_ids; the first use of an id keeps it, even
 * when that line is itself rejected.
 * @throws InputChanged when the source is no longer what `openSource` saw; InputEmpty when all lines are blank;
 * InputNotFound, InputUnreadable
 */
export async function stageInput(options: StageOptions): Promise<StagedInput> {
  const { source, directory } = options
  const file = await createDurableFile(directory)
  try {
    const staged = await writeChunks(file, options)
    if (staged.sha256 !== source.sha256) {
      throw new InputChanged(
        `${source.path} changed while it was read. Nothing was sent; run it again once nothing writes to it.`,
      )
    }
    if (staged.total === 0) throw new InputEmpty(source.spooled ? 'The input' : source.path)
    await file.commit(CHUNKS_FILE)
    return staged
  } catch (error) {
    await file.discard()
    throw error
  }
}

async function writeChunks(file: DurableFile, options: StageOptions): Promise<StagedInput> {
  const { source, model, onProgress, limits = CHUNK_LIMITS } = options
  const cutter = createChunkCutter(limits)
  const ids = createCustomIdIndex()
  const tally = createTally()
  const sha256 = createHash('sha256')
  let bytes = 0

  for await (const block of readLines(readFileBytes(source.path))) {
    const rows: ChunkRow[] = []
    for (const input of block.lines) {
      const parsed = refuseDuplicate(parseLine(input, model), input.line, ids)
      tally.add(parsed)
      const row = cutter.add(block, input, parsed)
      if (row !== null) rows.push(row)
    }
    cutter.passed(block)
    sha256.update(block.bytes)
    bytes += block.bytes.length
    await appendRows(file, rows)
    onProgress?.(bytes)
  }
  const last = cutter.end()
  if (last !== null) await appendRows(file, [last])
  return { ...tally.sum(), bytes, sha256: sha256.digest('hex') }
}

async function appendRows(file: DurableFile, rows: readonly ChunkRow[]): Promise<void> {
  if (rows.length > 0) await file.append(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

function refuseDuplicate(parsed: ParsedLine, line: number, ids: CustomIdIndex): ParsedLine {
  const { customId } = parsed
  if (customId === null) return parsed
  const firstLine = ids.add(customId, line)
  if (firstLine === null || !parsed.ok) return parsed
  const given = customId === `line-${line}` ? ' (a line without one is called line-N)' : ''
  const message = `custom_id was used on line ${firstLine} already${given}; give each line one of its own.`
  return { ok: false, customId, problem: { code: 'duplicate_custom_id', message, param: 'custom_id', line } }
}

function createTally() {
  const rejectedByCode: Partial<Record<LineProblemCode, number>> = {}
  const firstProblems: Array<LineProblem & { customId: string | null }> = []
  let total = 0
  let rejected = 0

  return {
    add(parsed: ParsedLine): void {
      total += 1
      if (parsed.ok) return
      const { customId, problem } = parsed
      rejected += 1
      rejectedByCode[problem.code] = (rejectedByCode[problem.code] ?? 0) + 1
      if (firstProblems.length < FIRST_PROBLEMS) firstProblems.push({ ...problem, customId })
    },
    sum() {
      return { total, valid: total - rejected, rejected, rejectedByCode, firstProblems }
    },
  }
}
