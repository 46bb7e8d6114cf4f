import type { Redis } from 'ioredis'
import type { DeadLetter } from '../completions/dead-letters/dead-letter.js'
import { letterOfLine } from '../completions/dead-letters/letter-of-line.js'
import { endingOfLine } from '../completions/ending-of-line.js'
import { placeOfLine } from '../completions/output-line.js'
import { recordFromDisk } from '../completions/record.js'
import type { RequestPlace } from '../completions/request.js'
import { isUnfinishedCode } from '../completions/unfinished.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { createKnownLines, type KnownLines } from './known-lines.js'
import { PORTION } from './portion.js'
import type { ResultFile } from './result-file.js'

const raiseScript = loadScript(new URL('./raise-generations.lua', import.meta.url))

export interface RecoverDeps {
  readonly redis: Redis
  readonly keys: QueueKeys
  readonly bury: (letters: readonly DeadLetter[]) => Promise<void>
}

/** A file of a batch, and the length up to which it is checkpointed. */
export interface Recoverable {
  readonly file: ResultFile
  readonly from: number
}

/** What was found behind the checkpoint. */
export interface Recovered {
  readonly lines: number
  /** Those that Redis knew of: their entries may still be in the stream. */
  readonly known: KnownLines
}

/**
 * Keeps the whole lines behind the checkpoint, which were paid for, and records them where Redis does not know them,
 * failures with a dead letter; cuts a torn line. After a Redis that lost everything, these are all lines of the batch;
 * in one that was made of an edited file, all that it took over.
 */
export async function recoverLines(
  batch: string,
  files: readonly Recoverable[],
  deps: RecoverDeps,
): Promise<Recovered> {
  const known = createKnownLines()
  let lines = 0
  await raiseGenerations(batch, files, deps)
  for (const { file, from } of files) {
    for await (const portion of portionsOf(batch, file, from)) {
      // Many on the way at once: there may be a million of them.
      const letters = await Promise.all(portion.map((placed) => recover(placed, known, deps)))
      const lost = letters.filter((letter) => letter !== null)
      if (lost.length > 0) await deps.bury(lost)
      lines += portion.length
    }
    await file.sync()
  }
  return { lines, known }
}

/** Gives the dead letter of a line that Redis did not know: with its entry it has lost that too. */
async function recover(
  { line, place }: PlacedLine,
  known: KnownLines,
  { redis, keys }: RecoverDeps,
): Promise<DeadLetter | null> {
  const ending = endingOfLine(line)
  const recorded = await recordFromDisk(redis, keys, place, ending)
  // What only the end of its batch has ended is no dead letter.
  const died = ending.kind === 'dead' && !isUnfinishedCode(ending.code)
  const letter = died ? letterOfLine(line, place, Date.now()) : null
  // Retried since: its letter is gone for good, and its entry may still be in the stream all the same.
  if (recorded === 'stale') known.add(place, null)
  if (recorded === 'already') known.add(place, letter)
  return recorded === 'recorded' ? letter : null
}

interface PlacedLine {
  readonly line: string
  readonly place: RequestPlace
}

/** The batch's own lines behind the checkpoint. */
async function* portionsOf(
  batch: string,
  file: ResultFile,
  from: number,
): AsyncGenerator<readonly PlacedLine[], void, undefined> {
  let portion: PlacedLine[] = []
  for await (const line of file.linesBehind(from)) {
    const place = placeOfLine(line)
    if (place?.batch !== batch) continue
    portion.push({ line, place })
    if (portion.length < PORTION) continue
    yield portion
    portion = []
  }
  yield portion
}

/** First of all lines: one of an earlier generation must not count, wherever it stands. */
async function raiseGenerations(
  batch: string,
  files: readonly Recoverable[],
  { redis, keys }: RecoverDeps,
): Promise<void> {
  const names = [keys.batch(batch), keys.generations(batch)]
  for (const { file, from } of files) {
    for await (const portion of portionsOf(batch, file, from)) {
      const retried = portion.filter(({ place }) => place.generation > 0)
      if (retried.length === 0) continue
      await runScript(
        redis,
        raiseScript,
        names,
        retried.flatMap(({ place }) => [place.index, place.generation]),
      )
    }
  }
}
