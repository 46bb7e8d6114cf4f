import { createReadStream } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { answersAsWritten } from '../batches/batch-answers.js'
import type { BatchMarks } from '../batches/batch-store.js'
import type { DataDirectory } from '../batches/data-directory.js'
import { revisionPaths } from '../batches/revision.js'
import { isOver } from '../batches/states.js'
import { wholeLines } from '../batches/whole-lines.js'
import { BatchUnknown } from './errors.js'
import { bearWith } from './fail-fast.js'
import type { Link } from './link.js'
import { type RequestResult, resultOfLine } from './result.js'

const LOOK_MS = 200

interface Look {
  readonly marks: BatchMarks
  /** Of each request that was retried. */
  readonly generations: ReadonlyMap<number, number>
  /** Nothing more will come to disk. */
  readonly over: boolean
}

/** The results of a batch from its own files, each once: answers while they come, failures at the end. */
export async function* readAnswers(
  batch: string,
  directory: DataDirectory,
  link: Link,
): AsyncGenerator<RequestResult, void, undefined> {
  // Answers only grow, and are taken over whole into each revision: what was read stays read.
  let read = 0
  let missing = -1
  for (;;) {
    const { marks, generations, over } = await bearWith(() => look(batch, directory, link))
    const { revision, resultsBytes } = marks
    const files = revisionPaths(directory.batch(batch).directory, revision)
    const answers = await open(files.results, read, resultsBytes)
    if (answers === null) {
      // Either the next revision has just taken its place, or it is gone for good.
      if (missing === revision) throw new BatchUnknown(batch, directory.path)
      missing = revision
    } else {
      yield* answers
      read = resultsBytes
      if (over) return yield* results(answersAsWritten({ ...files, ...marks, generations }, 'failures'))
    }
    await delay(LOOK_MS)
  }
}

/** Marks of a batch that is over are read after it was found to be, so that they are its last. */
async function look(batch: string, directory: DataDirectory, link: Link): Promise<Look> {
  return link.use(async ({ redis, keys, store }) => {
    const read = async (): Promise<BatchMarks> => {
      const marks = await store.marks(batch)
      if (marks === null) throw new BatchUnknown(batch, directory.path)
      return marks
    }
    const first = await read()
    const goesOn = !isOver(first.state) || (await store.draining(directory.id)).includes(batch)
    if (goesOn) return { marks: first, generations: new Map(), over: false }
    const raw = Object.entries(await redis.hgetall(keys.generations(batch)))
    const generations = new Map(raw.map(([index, count]) => [Number(index), Number(count)]))
    const marks = await read()
    return { marks, generations, over: isOver(marks.state) }
  })
}

/** The results between two offsets; null when there is no such file. */
async function open(
  path: string,
  from: number,
  to: number,
): Promise<AsyncGenerator<RequestResult, void, undefined> | null> {
  if (to <= from) return nothing()
  const source = createReadStream(path, { start: from, end: to - 1 })
  try {
    await new Promise((resolve, reject) => source.once('open', resolve).once('error', reject))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  return results(source)
}

async function* results(source: AsyncIterable<Buffer>): AsyncGenerator<RequestResult, void, undefined> {
  for await (const { lines } of wholeLines(source)) {
    for (const line of lines) yield resultOfLine(line)
  }
}

async function* nothing(): AsyncGenerator<RequestResult, void, undefined> {}
