import type { LineProblem } from '../../batches/input/line-problem.js'
import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import { inheritanceWords } from '../run/inheritance.js'
import { askedSentence, askedSteps } from '../text/asked-words.js'
import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { shellWord } from '../text/shell-word.js'
import { suggested } from '../text/suggest.js'
import { goOnFrom } from '../text/summary-words.js'
import { workersSentence } from '../text/workers-words.js'

/** A batch that was just handed over. */
export interface SubmittedView {
  readonly manifest: Manifest
  /** The same command made it before. */
  readonly resumed: boolean
  /** Lines that can't be sent. */
  readonly rejected: number
  /** Of the first of them. */
  readonly firstProblem: LineProblem | null
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
  const ended = batch !== null && isOver(batch.state)
  const asked = batch === null ? null : askedSteps(batch)
  return [
    opening(view),
    ...(!view.resumed && manifest.inherits !== null ? [inheritanceWords(manifest, manifest.inherits)] : []),
    ...(nameWanted !== null && nameWanted !== manifest.name ? [otherName(manifest)] : []),
    ...(rejected > 0 ? rejectedSentences(view) : []),
    ...(ended ? [] : [workersSentence(queue)]),
    ...(ended
      ? []
      : [
          `Follow it: ${suggested(`conduit-batch status ${manifest.name === nameWanted ? name : manifest.batch} --watch`)}`,
        ]),
    ...(batch === null || asked === null ? [] : [askedSentence(batch) ?? '', ...asked.sentences]),
    ...(batch?.state === 'expired' ? [goOnFrom('expired')] : []),
    `${ended ? 'Its answers' : 'Answers, once it is done'}: ${suggested(`conduit-batch results ${manifest.batch}`)}`,
  ]
}

function opening({ manifest, resumed, rejected, batch }: SubmittedView): string {
  const { total, input } = manifest
  const from = input.name === '-' ? 'stdin' : oneLine(input.name)
  if (!resumed) {
    const requests = formatCounted(total - rejected, 'request', 'requests')
    const are = total - rejected === 1 ? 'is' : 'are'
    return `${requests} of ${from} ${are} handed over as batch ${manifest.batch}.`
  }
  const done = (batch?.completed ?? 0) + (batch?.failed ?? 0) - (batch?.unfinished ?? 0)
  const soFar = `${formatCount(done)} of ${formatCount(total)} are done`
  const known = `Batch ${manifest.batch} was made of ${from} before`
  return batch !== null && isOver(batch.state)
    ? `${known} and is ${batch.state}: ${soFar}.`
    : `${known} and goes on: ${soFar}.`
}

function otherName({ name }: Manifest): string {
  return name === null ? 'It keeps having no name.' : `It keeps its name, ${shellWord(name)}.`
}

function rejectedSentences({ rejected, firstProblem, manifest }: SubmittedView): string[] {
  const lines = rejected === 1 ? '1 more line can' : `${formatCount(rejected)} more lines can`
  const first = rejected === 1 ? 'It is' : 'The first is'
  const model =
    firstProblem?.code === 'missing_model' ? ' Or name one for all lines that have none: --model MODEL' : ''
  return [
    `${lines} not be sent; why stands in ${oneLine(manifest.errors)} once the batch is done (--strict refuses such a file).`,
    ...(firstProblem === null
      ? []
      : [`${first} line ${firstProblem.line}: ${oneLine(firstProblem.message)}${model}`]),
  ]
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
