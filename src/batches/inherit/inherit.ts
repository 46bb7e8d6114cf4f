import { basename } from 'node:path'
import { endingOfLine } from '../../completions/ending-of-line.js'
import { placeOfLine } from '../../completions/output-line.js'
import type { RequestPlace } from '../../completions/request.js'
import { unfinishedCodeOf } from '../../completions/unfinished.js'
import { createDurableFile, type DurableFile } from '../input/durable-file.js'
import { readFileBytes } from '../input/file-bytes.js'
import type { RequestIndex } from '../input/request-index.js'
import { revisionPaths } from '../revision.js'
import { wholeLines } from '../whole-lines.js'
import { carriedAnswer, carriedFailure } from './carried-line.js'
import { writeKept } from './kept-marks.js'
import type { RequestTable } from './unchanged.js'

/** A batch in the making that takes answers over. */
export interface Heir {
  readonly batch: string
  /** Where its files go: its staging directory. */
  readonly directory: string
  readonly total: number
  readonly requests: RequestTable
}

/** What a batch at rest has to leave. */
export interface Legacy {
  readonly batch: string
  readonly requests: RequestIndex
  readonly results: FilePart | null
  readonly errors: FilePart | null
  /** Of requests that were retried: failures of an older generation count no more. */
  readonly generations: ReadonlyMap<number, number>
}

/** A file of lines, as far as they count. */
export interface FilePart {
  readonly path: string
  readonly bytes: number
}

/** How much was taken over. */
export interface Inherited {
  readonly kept: number
  readonly keptFailed: number
}

/** As the collector makes them: people read them under their final names. */
const READABLE = 0o644

/**
 * Writes the files of a batch that is not yet one: the answers to all of its requests that stand in those batches
 * with the same custom_id and body, and the failures where there is no answer. When the batch is opened these are
 * lines on disk that Redis does not know of, so they are recorded, and never called. Reads line by line; memory is
 * one byte a request.
 * @param legacies where a request is in several, the first counts
 */
export async function inherit(heir: Heir, legacies: readonly Legacy[]): Promise<Inherited> {
  const taken = new Uint8Array(heir.total)
  const own = revisionPaths(heir.directory, 0)
  const kept = await writeLines(own.results, heir.directory, answersOf(heir, legacies, taken))
  const keptFailed = await writeLines(own.errors, heir.directory, failuresOf(heir, legacies, taken))
  await writeKept(heir.directory, taken)
  return { kept, keptFailed }
}

/** No lines, no file. */
async function writeLines(
  path: string,
  directory: string,
  portions: AsyncIterable<readonly string[]>,
): Promise<number> {
  let file: DurableFile | null = null
  let count = 0
  try {
    for await (const lines of portions) {
      if (lines.length === 0) continue
      file ??= await createDurableFile(directory, READABLE)
      await file.append(`${lines.join('\n')}\n`)
      count += lines.length
    }
    await file?.commit(basename(path))
  } catch (error) {
    await file?.discard()
    throw error
  }
  return count
}

async function* answersOf(heir: Heir, legacies: readonly Legacy[], taken: Uint8Array) {
  for (const legacy of legacies) {
    for await (const lines of portionsOf(legacy.results)) {
      yield lines.flatMap((line) => {
        const place = placeIn(heir, legacy, line, 'completed', taken)
        return place === null ? [] : [carriedAnswer(line, place)]
      })
    }
  }
}

async function* failuresOf(heir: Heir, legacies: readonly Legacy[], taken: Uint8Array) {
  for (const legacy of legacies) {
    const generations = await generationsOf(legacy)
    for await (const lines of portionsOf(legacy.errors)) {
      yield lines.flatMap((line) => {
        const old = placeOfLine(line)
        if (old === null || old.generation < (generations.get(old.index) ?? 0)) return []
        // It was never called: it is open in the new batch.
        if (unfinishedCodeOf(line) !== null) return []
        const place = placeIn(heir, legacy, line, 'dead', taken)
        return place === null ? [] : [carriedFailure(line, place, heir.requests.lineOf(place.index))]
      })
    }
  }
}

/** Where a line goes, which is then taken; null when it goes nowhere. */
function placeIn(
  { batch, requests }: Heir,
  legacy: Legacy,
  line: string,
  kind: 'completed' | 'dead',
  taken: Uint8Array,
): RequestPlace | null {
  const old = placeOfLine(line)
  if (old?.batch !== legacy.batch) return null
  const index = requests.find(legacy.requests, old.index)
  if (index < 0 || taken[index] === 1 || !isWhole(line, kind)) return null
  taken[index] = 1
  return { batch, index, generation: 0 }
}

/** The file may be the user's own under its other name, so anything may have happened to it. */
function isWhole(line: string, kind: 'completed' | 'dead'): boolean {
  try {
    return endingOfLine(line).kind === kind
  } catch {
    return false
  }
}

/** What Redis told, and what the lines show, should Redis have forgotten it. */
async function generationsOf({ errors, generations }: Legacy): Promise<ReadonlyMap<number, number>> {
  const newest = new Map(generations)
  for await (const lines of portionsOf(errors)) {
    for (const line of lines) {
      const { index = 0, generation = 0 } = placeOfLine(line) ?? {}
      if (generation > (newest.get(index) ?? 0)) newest.set(index, generation)
    }
  }
  return newest
}

async function* portionsOf(part: FilePart | null): AsyncGenerator<readonly string[], void, undefined> {
  if (part === null || part.bytes === 0) return
  const source = readFileBytes(part.path, { range: { start: 0, end: part.bytes } })
  for await (const { lines } of wholeLines(source)) yield lines
}
