import type { Hold } from '../../admission/hold.js'
import { actionSentence, reasonInWords } from '../../alerts/advice.js'
import { lowBalanceInWords } from '../../alerts/balance-words.js'
import type { HoldNow } from '../../batches/snapshot.js'
import { deadOf, failuresByCode } from '../text/failures.js'
import {
  formatCount,
  formatCounted,
  formatDuration,
  formatEstimate,
  formatPercent,
  formatRate,
} from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { limitWords, outageHeadline, refusedWords } from '../text/pace-words.js'
import { evidenceWords, sinceWords } from '../text/pause-block.js'
import { windowWords } from '../text/window-words.js'
import { workCommand } from '../text/workers-words.js'
import { type Phase, phaseOf, settledOf } from './phase.js'
import { nothingIsLost, phaseWords } from './phase-words.js'
import type { ProgressView } from './view.js'

const MOST_CODES = 3

/** The progress of a batch in one line, for logs and pipes. */
export function renderPlainLine(view: ProgressView): string {
  const phase = phaseOf(view)
  if (phase.kind === 'paused') return pausedLine(phase.holds, view)
  const words = phaseWords(phase, view)
  const figures = figuresInWords(view, phase)
  if (words === null || phase.kind === 'running') return `${figures}${creditsInWords(view)}`
  return `${words.heading}: ${asSentence(words.sentence)} ${figures}`
}

function creditsInWords({ queue: { forecast } }: ProgressView): string {
  return forecast?.low ? ` | CREDITS: ${lowBalanceInWords(forecast)}` : ''
}

/** With an end of its own before what follows; a command to type keeps its distance from that. */
function asSentence(text: string): string {
  if (/[.!?]$/.test(text)) return text
  return text.endsWith(workCommand()) ? `${text} |` : `${text}.`
}

/** The same while an outage goes on that was told in full before. */
export function renderOutageGoesOn(view: ProgressView): string {
  const { since } = view.queue.pace
  return `OUTAGE: ${outageHeadline(since, view.nowMs)} ${figuresInWords(view, phaseOf(view))}`
}

function pausedLine(holds: readonly HoldNow[], view: ProgressView): string {
  const why = holds.map(
    (hold) => `${reasonInWords(hold.reason)}, since ${sinceWords(hold, view.nowMs)}${evidenceOf(hold)}.`,
  )
  const action = holds.map(({ reason, byItself }) => actionSentence(reason, view.queue.queue, byItself))
  return `PAUSED: ${why.join(' ')} ${nothingIsLost(view)} What to do: ${action.join(' | ')}`
}

function evidenceOf(hold: Hold): string {
  const requestId = hold.requestId === null ? '' : `request ${oneLine(hold.requestId)}`
  const parts = [evidenceWords(hold), requestId].filter((part) => part !== '')
  return parts.length === 0 ? '' : ` [${parts.join(', ')}]`
}

function figuresInWords(view: ProgressView, phase: Phase): string {
  const { batch } = view
  const soFar = `${formatDuration(view.nowMs - view.startedAtMs)} so far`
  if (batch.total <= 0 && phase.kind !== 'ended') return `Reading the input, ${soFar}`
  const settled = settledOf(view)
  return [
    `${formatCount(settled)} of ${formatCount(batch.total)} (${formatPercent(settled, batch.total)})`,
    ...(phase.kind === 'ended' ? [] : paceInWords(view, phase)),
    ...(phase.kind === 'ended' || batch.expiresAt === null
      ? []
      : [`completion window: ${windowWords(batch.expiresAt, view.nowMs)}`]),
    ...(batch.retries > 0 ? [formatCounted(batch.retries, 'retry', 'retries')] : []),
    ...(batch.throttled > 0 ? [`${formatCount(batch.throttled)} throttled`] : []),
    ...failedInWords(view),
    formatCounted(batch.usage.total_tokens, 'token', 'tokens'),
    soFar,
  ].join(', ')
}

function paceInWords({ queue: { pace }, ratePerSecond, leftMs }: ProgressView, phase: Phase): string[] {
  // What was measured before an outage says nothing about what comes.
  const moving = phase.kind !== 'outage'
  return [
    moving && ratePerSecond !== null ? formatRate(ratePerSecond) : null,
    moving && leftMs !== null ? `~${formatEstimate(leftMs)} left` : null,
    limitWords(pace),
    `${formatCount(pace.inFlight)} in flight`,
    refusedWords(pace),
  ].filter((words) => words !== null)
}

function failedInWords({ batch }: ProgressView): string[] {
  const failed = deadOf(batch)
  const codes = failuresByCode(batch.failedByCode, MOST_CODES)
  return [
    ...(failed > 0 ? [`${formatCount(failed)} failed${codes && ` (${codes})`}`] : []),
    ...(batch.unfinished > 0 ? [`${formatCount(batch.unfinished)} not finished`] : []),
  ]
}
