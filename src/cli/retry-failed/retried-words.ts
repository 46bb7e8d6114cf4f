import { formatCounted } from '../text/format.js'
import { shellPath } from '../text/shell-word.js'
import { workersSentence } from '../text/workers-words.js'
import type { Retried } from './retry-failed.js'

/** What came of it, and what to type next. */
export function retriedWords(result: Retried): string[] {
  const { id, dryRun, retried } = result
  const requests = formatCounted(retried, 'request', 'requests')
  const head =
    retried === 0 && Object.keys(result.refused).length === 0
      ? `Batch ${id} has no dead letters: there is nothing to send again.`
      : dryRun
        ? `${requests} of batch ${id} would be sent again. Without --dry-run they are.`
        : `${requests} of batch ${id} ${retried === 1 ? 'is' : 'are'} sent again.`
  return [head, ...refusedWords(result), ...(dryRun || retried === 0 ? [] : nextWords(result))]
}

function refusedWords({ refused, batch, input, id }: Retried): string[] {
  const { not_sendable: unsendable = 0, ended = 0, gone = 0 } = refused
  const file = input === '-' ? 'the input' : shellPath(input)
  return [
    ...(unsendable === 0
      ? []
      : [
          `${formatCounted(unsendable, 'line', 'lines')} can't be sent as they are (conduit-batch results ${id} --errors ` +
            `says why): mend them in ${file} and run it again; answers that are there are kept.`,
        ]),
    ...(ended === 0
      ? []
      : [
          `${formatCounted(ended, 'request', 'requests')} stay as they are: the batch is ${batch?.state ?? 'ended'}. ` +
            'The same run or submit command makes it go on; then retry.',
        ]),
    ...(gone === 0 ? [] : [`${formatCounted(gone, 'request', 'requests')} belong to a batch that is gone.`]),
  ]
}

function nextWords({ id, queue }: Retried): string[] {
  return [
    'Their answers join the others: the files of the batch become whole again.',
    workersSentence(queue),
    `Follow it: conduit-batch status ${id} --watch`,
  ]
}
