import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { deadOf } from '../text/failures.js'
import { formatCount } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { goOnWords } from '../text/same-command.js'
import { suggested } from '../text/suggest.js'

/** What became of the batch that was to be cancelled, and what to type next. `here`: its files are. */
export function cancelledWords(
  manifest: Manifest,
  batch: BatchSnapshot | null,
  changed: boolean,
  here: boolean,
): string[] {
  const { batch: id } = manifest
  if (batch === null) return [`Redis does not know batch ${id} (any more), so nothing of it runs.`]
  switch (batch.state) {
    case 'cancelling':
    case 'expiring':
      return endingWords(batch, here)
    case 'cancelled':
      return changed ? doneWords(manifest, batch, here) : nothingToDo(batch)
    case 'running':
      return [`Batch ${id} was let run again in the same moment, by its run or submit command.`]
    case 'stopped':
    case 'replaced':
    case 'expired':
    case 'completed':
      return nothingToDo(batch)
  }
}

function nothingToDo({ batch, state }: BatchSnapshot): string[] {
  const results = suggested(`conduit-batch results ${batch}`)
  return [`Batch ${batch} is ${state}: there was nothing left to cancel. Its answers: ${results}`]
}

function endingWords({ batch, state }: BatchSnapshot, here: boolean): string[] {
  const who = here ? 'the process that serves its data directory' : 'whoever serves its data directory'
  return [
    `Batch ${batch} is ${state}: no further call starts, and calls in flight finish.`,
    `Then ${who} makes error lines of the rest, and gives the files their names (a work, serve or run there; if there ` +
      'is none, this command typed there).',
    `Follow it: ${suggested(`conduit-batch status ${batch} --watch`)}`,
  ]
}

function doneWords(manifest: Manifest, batch: BatchSnapshot, here: boolean): string[] {
  const { completed, unfinished, failed } = batch
  return [
    `Batch ${batch.batch} is cancelled: ${formatCount(completed)} answered, ${formatCount(deadOf(batch))} failed, ` +
      `${formatCount(unfinished)} not finished.`,
    `Answers: ${oneLine(manifest.output)}`,
    ...(failed === 0
      ? []
      : [
          `All others, each with its line (batch_cancelled where it was not finished): ${oneLine(manifest.errors)}`,
        ]),
    goOnWords(manifest, here).text,
  ]
}
