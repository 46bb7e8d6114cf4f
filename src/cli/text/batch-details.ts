import type { Manifest } from '../../batches/manifest.js'
import type { BatchSnapshot, QueueSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import { inDollars } from '../../money.js'
import { askedSentence } from './asked-words.js'
import { batchNextSteps, type NextSteps } from './batch-next-steps.js'
import { deadOf, failuresByCode } from './failures.js'
import {
  formatCount,
  formatCounted,
  formatDuration,
  formatEstimate,
  formatMoment,
  formatPercent,
  formatRate,
} from './format.js'
import { oneLine } from './harmless.js'
import { type Canvas, labelled } from './layout.js'
import { limitWords, OUTAGE_REST, outageHeadline, refusedWords } from './pace-words.js'
import type { Tone } from './paint.js'
import { pauseBlock } from './pause-block.js'
import { replacedWords } from './replaced-words.js'
import { isOverdue, overdueWords, windowWords } from './window-words.js'
import { workersSentence } from './workers-words.js'

/** All that is known of one batch. Times are Unix milliseconds. */
export interface DetailsView {
  readonly manifest: Manifest
  /** Null when Redis does not know it. */
  readonly batch: BatchSnapshot | null
  readonly queue: QueueSnapshot
  /** Its files lie in this data directory. */
  readonly here: boolean
  /** The batch that took its place; null when none did. */
  readonly replacedBy: Manifest | null
  /** Requests per second just now; null when it does not run, or that can't be told. */
  readonly ratePerSecond: number | null
  readonly leftMs: number | null
  readonly nowMs: number
}

const MOST_CODES = 20

/** What `status BATCH` prints. */
export function renderDetails(view: DetailsView, canvas: Canvas): string[] {
  const { manifest, batch } = view
  const name = manifest.name === null ? '' : ` (${oneLine(manifest.name)})`
  return [
    '',
    ...labelled('Batch', `${manifest.batch}${name}, ${stateWords(view)}`, canvas, {
      labelTone: 'strong',
      tone: stateTone(view),
    }),
    ...(because(view) === '' ? [] : labelled('', because(view), canvas)),
    ...labelled('Input', `${oneLine(manifest.input.name)}, ${formatCount(manifest.total)} requests`, canvas),
    ...labelled('Queue', `${oneLine(manifest.queue)}. ${workersSentence(view.queue)}`, canvas),
    ...(batch === null ? [] : counts(batch, canvas)),
    ...pace(view, canvas),
    ...times(view, canvas),
    ...files(view, canvas),
    ...holds(view, canvas),
    ...outage(view, canvas),
    ...next(batchNextSteps(view), canvas),
    '',
  ].filter((line, index, all) => line !== '' || all[index - 1] !== '')
}

/** `paused` when its queue is held, `unknown` when Redis does not know it. */
export function stateWords({ batch, queue }: Pick<DetailsView, 'batch' | 'queue'>): string {
  if (batch === null) return 'unknown to Redis'
  return batch.state === 'running' && queue.holds.length > 0 ? 'paused' : batch.state
}

function stateTone(view: DetailsView): Tone {
  switch (stateWords(view)) {
    case 'completed':
      return (view.batch?.failed ?? 0) === 0 ? 'good' : 'alert'
    case 'running':
      return 'strong'
    case 'paused':
      return 'alert'
    default:
      return 'bad'
  }
}

function because({ batch, replacedBy, nowMs }: DetailsView): string {
  if (replacedBy !== null) return `It ${replacedWords(replacedBy)}.`
  const asked = batch === null ? null : askedSentence(batch)
  if (asked !== null) return asked
  if (batch !== null && isOverdue(batch, nowMs)) return overdueWords()
  return batch?.reason ? oneLine(batch.reason) : ''
}

function counts(batch: BatchSnapshot, canvas: Canvas): string[] {
  const { completed, total, failedByCode, retries, throttled, unfinished } = batch
  const failed = deadOf(batch)
  const codes = failuresByCode(failedByCode, MOST_CODES)
  return [
    ...labelled(
      'Answered',
      `${formatCount(completed)} of ${formatCount(total)} (${formatPercent(completed, total)})`,
      canvas,
    ),
    ...labelled('Failed', failed === 0 ? 'none' : `${formatCount(failed)}${codes && `: ${codes}`}`, canvas, {
      tone: failed === 0 ? 'plain' : 'bad',
    }),
    ...(unfinished === 0 ? [] : labelled('Not finished', formatCount(unfinished), canvas)),
    ...labelled('Tried again', `${formatCount(retries)}, throttled ${formatCount(throttled)}`, canvas),
    ...labelled('Tokens', formatCount(batch.usage.total_tokens), canvas),
    ...money(batch, canvas),
  ]
}

function money({ costCents, maxCostCents, maxRequests }: BatchSnapshot, canvas: Canvas): string[] {
  const cost = costCents === null ? [] : [`about ${inDollars(costCents)} so far`]
  const most = maxCostCents === null ? [] : [`at most ${inDollars(maxCostCents)}`]
  const requests =
    maxRequests === null ? [] : [`at most ${formatCounted(maxRequests, 'request', 'requests')}`]
  const figures = [...cost, ...most, ...requests]
  const label = cost.length === 0 ? 'Budget' : 'Cost'
  return figures.length === 0 ? [] : labelled(label, figures.join(', '), canvas)
}

function pace({ batch, queue, ratePerSecond, leftMs }: DetailsView, canvas: Canvas): string[] {
  if (batch?.state !== 'running' || ratePerSecond === null) return []
  const figures = [
    formatRate(ratePerSecond),
    leftMs === null ? null : `~${formatEstimate(leftMs)} left`,
    limitWords(queue.pace),
    `${formatCount(queue.pace.inFlight)} in flight`,
    refusedWords(queue.pace),
  ]
  return labelled('Pace', figures.filter((words) => words !== null).join(', '), canvas)
}

function outage({ batch, queue: { pace, holds }, nowMs }: DetailsView, canvas: Canvas): string[] {
  if (batch?.state !== 'running' || pace.state !== 'outage' || holds.length > 0) return []
  const text = `${outageHeadline(pace.since, nowMs)} ${OUTAGE_REST}`
  return ['', ...labelled('OUTAGE', text, canvas, { labelTone: 'alert' })]
}

function times({ manifest, batch, nowMs }: DetailsView, canvas: Canvas): string[] {
  const { createdAt } = manifest
  const finishedAt = batch?.finishedAt ?? null
  const expiresAt = batch?.expiresAt ?? null
  const ago = `${formatMoment(createdAt, nowMs)} (${formatDuration(nowMs - createdAt)} ago)`
  return [
    ...labelled('Created', ago, canvas),
    ...(finishedAt === null
      ? []
      : labelled(
          'Ended',
          `${formatMoment(finishedAt, nowMs)}, ${tookWords(finishedAt - createdAt)}`,
          canvas,
        )),
    ...(finishedAt !== null || expiresAt === null
      ? []
      : labelled(
          'Expires',
          `${formatMoment(expiresAt, nowMs)}, ${expiresAt > nowMs ? windowWords(expiresAt, nowMs) : 'which is over'}`,
          canvas,
        )),
  ]
}

/** `after 4 s`, `in under 1 s` */
function tookWords(tookMs: number): string {
  return `${tookMs < 1000 ? 'in' : 'after'} ${formatDuration(tookMs)}`
}

function files({ manifest, batch, here, replacedBy }: DetailsView, canvas: Canvas): string[] {
  // What stands there is that of the other batch.
  if (replacedBy !== null) return []
  const later =
    batch !== null && (!isOver(batch.state) || batch.state === 'stopped') ? ' (once complete)' : ''
  const elsewhere = here ? '' : ', of another data directory than this one'
  return [
    ...labelled('Answers', `${oneLine(manifest.output)}${later}${elsewhere}`, canvas),
    ...((batch?.failed ?? 0) === 0
      ? []
      : labelled('Failures', `${oneLine(manifest.errors)}${later}`, canvas)),
  ]
}

function holds({ batch, queue, nowMs }: DetailsView, canvas: Canvas): string[] {
  if (batch?.state !== 'running') return []
  return queue.holds.flatMap((hold, index) => [
    '',
    ...pauseBlock(hold, queue.queue, nowMs, canvas, index === 0 ? 'PAUSED' : 'AND', queue.forecast),
  ])
}

function next({ sentences, commands }: NextSteps, canvas: Canvas): string[] {
  const lines = sentences.flatMap((sentence, index) =>
    labelled(index === 0 ? 'Next' : '', sentence, canvas, { commands }),
  )
  return lines.length === 0 ? [] : ['', ...lines]
}
