import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { inheritanceWords } from '../run/inheritance.js'
import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { shellWord } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import { workersSentence } from '../text/workers-words.js'

/** A batch that was just handed over. */
export interface SubmittedView {
  readonly manifest: Manifest
  /** The same command made it before. */
  readonly resumed: boolean
  /** Lines that can't be sent. */
  readonly rejected: number
  /** The name that this command asked for; a batch keeps the name that it was made with. */
  readonly nameWanted: string | null
  /** Null when Redis forgot it in the same moment. */
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
}

/** What `submit` says on stderr: what was handed over, who works on it, and what to type next. */
export function submittedWords(view: SubmittedView): string[] {
  const { manifest, rejected, nameWanted, batch, queue } = view
  const name = shellWord(nameWanted ?? manifest.batch)
  const ended = batch !== null && batch.state !== 'running'
  return [
    opening(view),
    ...(!view.resumed && manifest.inherits !== null ? [inheritanceWords(manifest, manifest.inherits)] : []),
    ...(nameWanted !== null && nameWanted !== manifest.name ? [otherName(manifest)] : []),
    ...(rejected > 0 ? [rejectedSentence(rejected, manifest)] : []),
    ...(ended ? [] : [workersSentence(queue)]),
    ...(ended
      ? []
      : [
          `Follow it: ${suggested(`conduit-batch status ${manifest.name === nameWanted ? name : manifest.batch} --watch`)}`,
        ]),
    `${ended ? 'Its answers' : 'Answers, once it is done'}: ${suggested(`conduit-batch results ${manifest.batch}`)}`,
  ]
}

function opening({ manifest, resumed, batch }: SubmittedView): string {
  const { total, input } = manifest
  const requests = formatCounted(total, 'request', 'requests')
  if (!resumed) return `${requests} of ${oneLine(input.name)} are handed over as batch ${manifest.batch}.`
  const done = (batch?.completed ?? 0) + (batch?.failed ?? 0)
  const soFar = `${formatCount(done)} of ${formatCount(total)} are done`
  const known = `Batch ${manifest.batch} was made of ${oneLine(input.name)} before`
  return batch !== null && batch.state !== 'running'
    ? `${known} and is ${batch.state}: ${soFar}.`
    : `${known} and goes on: ${soFar}.`
}

function otherName({ name }: Manifest): string {
  return name === null ? 'It keeps having no name.' : `It keeps its name, ${shellWord(name)}.`
}

function rejectedSentence(rejected: number, { errors }: Manifest): string {
  const lines = rejected === 1 ? '1 line can' : `${formatCount(rejected)} lines can`
  return `${lines} not be sent; why stands in ${oneLine(errors)} once the batch is done (--strict refuses such a file).`
}

/** What `submit --json` prints. */
export function submittedObject(
  { manifest, resumed, rejected, batch, queue }: SubmittedView,
  dataDir: string,
) {
  const { batch: id, name, total, output, errors } = manifest
  const state = batch?.state ?? 'running'
  return {
    batch: id,
    name,
    queue: manifest.queue,
    state,
    resumed,
    total,
    rejected,
    workers: queue.workers,
    output,
    errors,
    dataDir,
  }
}
