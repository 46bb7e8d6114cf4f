import type { Incident } from '../../admission/hold.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { isOver } from '../../batches/states.js'
import { inDollars } from '../../money.js'
import { deadOf, failuresByCode } from './failures.js'
import { formatCount, formatDuration, formatPercent, formatPerMinute } from './format.js'
import { oneLine } from './harmless.js'
import { incidentInWords } from './incident-words.js'
import { type Canvas, labelled, paragraph } from './layout.js'
import { createPaint } from './paint.js'
import type { RunEnd } from './summary-object.js'
import { headline, isHeld, nextSteps, type SummaryView } from './summary-words.js'

const WIDEST_COLUMNS = 100
const MOST_CODES = 20

type SummaryEnd = Partial<RunEnd> & {
  readonly nowMs?: number
  readonly learnedPerMinute?: number | null
  readonly byItself?: SummaryView['byItself']
}

/**
 * What a run came to, as lines of at most `columns` (20 or more). Without `end` the batch and its incidents
 * tell how it ended. `learnedPerMinute`: the limit of the queue's key, null when none was met. `byItself`: whether what holds the
 * queue ends without a person, now that this run has left. `nowMs` (Unix ms) is the day from which moments are seen; by default that of the last event.
 */
export function renderSummary(
  batch: BatchSnapshot,
  incidents: readonly Incident[],
  columns: number,
  colour: boolean,
  end: SummaryEnd = {},
): string[] {
  const canvas: Canvas = { columns: Math.min(columns, WIDEST_COLUMNS), paint: createPaint(colour) }
  const { status = statusOf(batch, incidents), byItself = () => false } = end
  const view: SummaryView = { batch, incidents, status, byItself }
  const { text, tone } = headline(view)
  return [
    '',
    ...paragraph(text, canvas, { tone }),
    '',
    ...counts(batch, canvas),
    ...pauses(view, end.nowMs ?? lastEventMs(batch, incidents), canvas),
    ...tokens(batch, canvas),
    ...duration(batch, end.durationMs, canvas),
    ...limit(end.learnedPerMinute ?? null, canvas),
    '',
    ...files(batch, canvas),
    ...next(view, canvas),
    '',
  ]
}

function statusOf({ state }: BatchSnapshot, incidents: readonly Incident[]): RunEnd['status'] {
  if (isOver(state)) return state
  return incidents.some(isHeld) ? 'paused' : 'interrupted'
}

function lastEventMs({ createdAt, finishedAt }: BatchSnapshot, incidents: readonly Incident[]): number {
  const events = incidents.map(({ openedAt, resolvedAt }) => resolvedAt ?? openedAt)
  return finishedAt ?? Math.max(createdAt, ...events)
}

function counts(batch: BatchSnapshot, canvas: Canvas): string[] {
  const { completed, total, retries, throttled, unfinished } = batch
  const failed = deadOf(batch)
  const answered = `${formatCount(completed)} of ${formatCount(total)} (${formatPercent(completed, total)})`
  const codes = failuresByCode(batch.failedByCode, MOST_CODES)
  const dead = failed === 0 ? 'none' : `${formatCount(failed)}${codes && `: ${codes}`}`
  return [
    ...labelled('Answered', answered, canvas),
    ...labelled('Dead letters', dead, canvas, { tone: failed === 0 ? 'plain' : 'bad' }),
    ...(unfinished === 0 ? [] : labelled('Not finished', formatCount(unfinished), canvas)),
    ...labelled('Retries', formatCount(retries), canvas),
    ...labelled('Throttled', formatCount(throttled), canvas),
    ...lostAnswers(batch, canvas),
  ]
}

/** Conduit documents no idempotency key, so a call whose answer got lost may be on the bill and is made again. */
function lostAnswers({ maybeBilled }: BatchSnapshot, canvas: Canvas): string[] {
  if (maybeBilled === 0) return []
  return labelled('Lost answers', `${formatCount(maybeBilled)} (Conduit may have billed these calls)`, canvas)
}

function pauses({ batch, incidents }: SummaryView, nowMs: number, canvas: Canvas): string[] {
  if (incidents.length === 0) {
    return labelled('Pauses', batch.pauses === 0 ? 'none' : formatCount(batch.pauses), canvas)
  }
  return incidents.flatMap((incident, index) =>
    labelled(index === 0 ? 'Paused' : '', incidentInWords(incident, nowMs), canvas),
  )
}

function tokens({ usage, costCents }: BatchSnapshot, canvas: Canvas): string[] {
  const parts = `${formatCount(usage.prompt_tokens)} in prompts, ${formatCount(usage.completion_tokens)} in answers`
  return [
    ...labelled('Tokens', `${formatCount(usage.total_tokens)} (${parts})`, canvas),
    ...(costCents === null ? [] : labelled('Cost', `about ${inDollars(costCents)}`, canvas)),
  ]
}

function duration(
  { createdAt, finishedAt }: BatchSnapshot,
  durationMs: number | undefined,
  canvas: Canvas,
): string[] {
  const tookMs = durationMs ?? (finishedAt === null ? null : finishedAt - createdAt)
  return tookMs === null ? [] : labelled('Duration', formatDuration(tookMs), canvas)
}

function limit(learnedPerMinute: number | null, canvas: Canvas): string[] {
  if (learnedPerMinute === null) return []
  const text = `about ${formatPerMinute(learnedPerMinute)}, as found; the next batch of this queue starts with that`
  return labelled('Limit', text, canvas)
}

function files({ output, errors, failed, state }: BatchSnapshot, canvas: Canvas): string[] {
  const later = !isOver(state) || state === 'stopped' ? ' (once complete)' : ''
  return [
    ...labelled('Answers', `${oneLine(output)}${later}`, canvas),
    ...(failed === 0 ? [] : labelled('Failures', `${oneLine(errors)}${later}`, canvas)),
  ]
}

function next(view: SummaryView, canvas: Canvas): string[] {
  const { sentences, commands } = nextSteps(view)
  if (sentences.length === 0) return []
  const lines = sentences.flatMap((sentence, index) =>
    labelled(index === 0 ? 'Next' : '', sentence, canvas, { commands }),
  )
  return ['', ...lines]
}
