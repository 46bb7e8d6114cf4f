import { type AnswerFiles, answersAsWritten, answersInOrder } from '../../batches/batch-answers.js'
import type { BatchMarks } from '../../batches/batch-store.js'
import type { Manifest } from '../../batches/manifest.js'
import { readBatchSnapshot } from '../../batches/read-snapshot.js'
import { type RevisionPaths, revisionPaths } from '../../batches/revision.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import { loadConfig } from '../../config.js'
import {
  assertNotReplaced,
  BatchNotFound,
  directoryOf,
  type FoundBatch,
  findBatch,
} from '../batch/find-batch.js'
import type { ResultsFlags } from '../commands/results.js'
import { askedSteps } from '../text/asked-words.js'
import { deadOf } from '../text/failures.js'
import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'
import { visit } from '../visit.js'
import { writeNewFile } from './new-file.js'
import { writeToStdout } from './to-stdout.js'

/** A batch has not all its answers yet, and nobody said that some will do. */
export class NotFinished extends Error {
  readonly code = 'not_finished'
}

/**
 * `conduit-batch results`: the answers of a batch, or its failures, from its own files.
 * @throws NotFinished, BatchReplaced, BatchNotFound, BatchAmbiguous, BatchElsewhere, FileInPlace, ResultFileDamaged
 */
export async function results(wanted: string, flags: ResultsFlags): Promise<void> {
  const config = loadConfig(undefined, flags)
  const { files, batch } = await visit(config, async (visiting) =>
    look(await findBatch(wanted, visiting, config), flags.partial === true),
  )
  const kind = flags.errors ? 'failures' : 'answers'
  const lines = flags.sort ? answersInOrder(files, kind) : answersAsWritten(files, kind)
  if (flags.output === undefined) {
    await writeToStdout(lines)
  } else {
    const written = await writeNewFile(flags.output, lines, flags.force === true)
    process.stderr.write(`${formatCounted(written, 'line', 'lines')} written to ${oneLine(flags.output)}.\n`)
  }
  const note = leftOut(batch, kind)
  if (note !== null) process.stderr.write(`${note}\n`)
}

async function look(
  found: FoundBatch,
  partial: boolean,
): Promise<{ readonly files: AnswerFiles; readonly batch: BatchSnapshot }> {
  const { manifest, session } = found
  assertNotReplaced(found, 'results')
  const directory = await directoryOf(found)
  const [batch, marks] = await Promise.all([
    readBatchSnapshot(session, manifest.batch),
    session.store.marks(manifest.batch),
  ])
  if (batch === null || marks === null) {
    throw new BatchNotFound(
      `Redis has forgotten batch ${manifest.batch}, so nobody knows how far its files may be read. ` +
        goOnWords(manifest, true).text,
    )
  }
  if (!partial && (!isOver(batch.state) || batch.state === 'stopped')) throw notFinished(batch, manifest)
  const paths = revisionPaths(directory.batch(manifest.batch).directory, marks.revision)
  const generations = await session.redis.hgetall(session.keys.generations(manifest.batch))
  return { files: filesOf(paths, marks, generations), batch }
}

function filesOf(
  { results: answers, errors }: RevisionPaths,
  { resultsBytes, errorsBytes, total }: BatchMarks,
  generations: Readonly<Record<string, string>>,
): AnswerFiles {
  const numbers = Object.entries(generations).map(([index, count]) => [Number(index), Number(count)] as const)
  return { results: answers, resultsBytes, errors, errorsBytes, total, generations: new Map(numbers) }
}

function notFinished(batch: BatchSnapshot, manifest: Manifest): NotFinished {
  const { batch: id, state, reason, completed, failed, total } = batch
  const done = `${formatCount(completed + failed)} of ${formatCount(total)} are done`
  const what =
    state === 'stopped'
      ? `Batch ${id} has stopped (${reason === null ? 'it cannot go on by itself' : oneLine(reason)}): ${done}. ` +
        (askedSteps(batch)?.sentences.join(' ') ?? goOnWords(manifest, true).text)
      : `Batch ${id} is not finished: ${done}. Follow it: ${suggested(`conduit-batch status ${id} --watch`)}.`
  return new NotFinished(
    `${what} What is there already: ${suggested(`conduit-batch results ${id} --partial`)}`,
  )
}

/** What somebody who reads these lines may wonder about; null when there is nothing. */
function leftOut(batch: BatchSnapshot, kind: 'answers' | 'failures'): string | null {
  const { batch: id, state, completed, failed, total, unfinished } = batch
  const open = total - completed - failed
  if (state !== 'completed' && open > 0) {
    return `Batch ${id} is ${state}: ${formatCounted(open, 'request has', 'requests have')} no answer and no error yet.`
  }
  if (kind === 'answers' && unfinished > 0) {
    return `Batch ${id} is ${state}: ${formatCounted(unfinished, 'request is', 'requests are')} not finished, ${formatCount(deadOf(batch))} failed: ${suggested(`conduit-batch results ${id} --errors`)}`
  }
  if (kind === 'answers' && failed > 0) {
    return `${formatCounted(failed, 'request', 'requests')} failed: ${suggested(`conduit-batch results ${id} --errors`)}`
  }
  return null
}
