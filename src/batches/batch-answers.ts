import { type FileHandle, open } from 'node:fs/promises'
import { type PlacedLine, placeLines, readUpTo } from './answer-lines.js'
import { countsAsFailure, createIndexSet } from './lines-that-count.js'
import { ResultFileDamaged } from './result-file.js'

/** The files of a batch, and how far they may be read: what is behind a mark is just being written. */
export interface AnswerFiles {
  readonly results: string
  readonly resultsBytes: number
  readonly errors: string
  readonly errorsBytes: number
  /** Requests of the batch. */
  readonly total: number
  /** Of each request that was retried from the dead letters. */
  readonly generations: ReadonlyMap<number, number>
}

export type Kind = 'answers' | 'failures'

/** Lines that stand together are read together, up to this much. */
const WINDOW_BYTES = 4 << 20
/** Reading over a gap is cheaper than reading twice. */
const LARGEST_GAP_BYTES = 64 << 10
const NEWLINE = Buffer.from('\n')

/** The lines of a batch as they were written: the order in which answers came. In blocks of whole and half lines. */
export async function* answersAsWritten(
  files: AnswerFiles,
  kind: Kind,
): AsyncGenerator<Buffer, void, undefined> {
  if (kind === 'answers') {
    yield* readUpTo(files.results, files.resultsBytes)
    return
  }
  yield* readLines(files.errors, countingFailures(files))
}

/**
 * The lines of a batch in the order of the input. Of each line only its place is kept, 16 bytes for a request of the
 * batch; the lines are read again where they stand.
 */
export async function* answersInOrder(
  files: AnswerFiles,
  kind: Kind,
): AsyncGenerator<Buffer, void, undefined> {
  const offsets = new Float64Array(files.total).fill(-1)
  const lengths = new Float64Array(files.total)
  const lines = kind === 'answers' ? placeLines(files.results, files.resultsBytes) : countingFailures(files)
  for await (const some of lines) {
    for (const { place, offset, length } of some) {
      if (place.index >= files.total) continue
      offsets[place.index] = offset
      lengths[place.index] = length
    }
  }
  yield* readLines(kind === 'answers' ? files.results : files.errors, inOrder(offsets, lengths))
}

async function* countingFailures(files: AnswerFiles): AsyncGenerator<readonly PlacedLine[], void, undefined> {
  const answered = createIndexSet(files.total)
  for await (const lines of placeLines(files.results, files.resultsBytes)) {
    for (const { place } of lines) if (place.index < files.total) answered.add(place.index)
  }
  const ends = {
    isAnswered: answered.has,
    generationOf: (index: number) => files.generations.get(index) ?? 0,
  }
  for await (const lines of placeLines(files.errors, files.errorsBytes)) {
    yield lines.filter(({ place }) => countsAsFailure(place, ends))
  }
}

type Stretch = Pick<PlacedLine, 'offset' | 'length'>

/** As many lines at a time as are read together. */
function* inOrder(offsets: Float64Array, lengths: Float64Array): Generator<readonly Stretch[]> {
  let lines: Stretch[] = []
  let bytes = 0
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index] ?? -1
    if (offset < 0) continue
    const length = lengths[index] ?? 0
    lines.push({ offset, length })
    bytes += length
    if (bytes < WINDOW_BYTES) continue
    yield lines
    lines = []
    bytes = 0
  }
  yield lines
}

/** Reads these lines, each with its newline, in the order in which they are named. */
async function* readLines(
  path: string,
  portions: AsyncIterable<readonly Stretch[]> | Iterable<readonly Stretch[]>,
): AsyncGenerator<Buffer, void, undefined> {
  let file: FileHandle | null = null
  try {
    for await (const portion of portions) {
      if (portion.length === 0) continue
      file ??= await open(path)
      const lines = new Map<number, Buffer>()
      for (const group of neighbours(portion)) await readGroup(file, group, lines)
      yield Buffer.concat(portion.flatMap(({ offset }) => [lines.get(offset) ?? Buffer.alloc(0), NEWLINE]))
    }
  } finally {
    await file?.close()
  }
}

/** Lines that stand near each other, in the order of the file. */
function* neighbours(lines: readonly Stretch[]): Generator<readonly Stretch[]> {
  let group: Stretch[] = []
  for (const line of lines.toSorted((a, b) => a.offset - b.offset)) {
    const first = group[0]
    const last = group.at(-1)
    const far =
      first !== undefined &&
      last !== undefined &&
      (line.offset - last.offset - last.length > LARGEST_GAP_BYTES ||
        line.offset - first.offset > WINDOW_BYTES)
    if (far) {
      yield group
      group = []
    }
    group.push(line)
  }
  if (group.length > 0) yield group
}

/** One read for all of them. @throws ResultFileDamaged when the file ends before they do */
async function readGroup(
  file: FileHandle,
  group: readonly Stretch[],
  lines: Map<number, Buffer>,
): Promise<void> {
  const from = group[0]?.offset ?? 0
  const last = group.at(-1)
  const block = Buffer.allocUnsafe((last?.offset ?? 0) + (last?.length ?? 0) - from)
  for (let read = 0; read < block.length; ) {
    const { bytesRead } = await file.read(block, read, block.length - read, from + read)
    if (bytesRead === 0) throw new ResultFileDamaged('A file of answers became shorter while it was read.')
    read += bytesRead
  }
  for (const { offset, length } of group) {
    lines.set(offset, block.subarray(offset - from, offset - from + length))
  }
}
