import { formatCounted, formatDuration, formatEstimate, formatRate } from '../text/format.js'
import type { Cell } from '../text/layout.js'
import { limitWords, refusedWords } from '../text/pace-words.js'
import { windowWords } from '../text/window-words.js'
import type { Phase } from './phase.js'
import type { ProgressView } from './view.js'

/** The figures of a batch, each in its cell: pace first while there is one, then what has happened so far. */
export function figures(view: ProgressView, phase: Phase): Cell[] {
  const soFar: Cell = { text: `${formatDuration(view.nowMs - view.startedAtMs)} so far`, tone: 'plain' }
  if (phase.kind === 'ended') return [...counts(view), soFar]
  if (view.batch.total <= 0) return [soFar]
  return [...pace(view, phase), soFar, ...window(view), ...limit(view), ...counts(view)]
}

function pace({ queue, ratePerSecond, leftMs }: ProgressView, phase: Phase): Cell[] {
  const moving = isMoving(phase)
  const left = moving && leftMs !== null ? `~${formatEstimate(leftMs)} left` : '– left'
  return [
    { text: formatRate(moving ? ratePerSecond : null), tone: 'strong' },
    figure(queue.pace.inFlight, 'in flight', 'in flight'),
    { text: left, tone: 'plain' },
  ]
}

function window({ batch: { expiresAt }, nowMs }: ProgressView): Cell[] {
  return expiresAt === null ? [] : [{ text: `window: ${windowWords(expiresAt, nowMs)}`, tone: 'plain' }]
}

/** What is known of the limit; nothing before one was met. */
function limit({ queue: { pace } }: ProgressView): Cell[] {
  return [limitWords(pace, '~'), refusedWords(pace)]
    .filter((words) => words !== null)
    .map((text) => ({ text, tone: 'plain' }))
}

/** Whether a rate measured lately says anything about what comes. */
function isMoving({ kind }: Phase): boolean {
  return kind === 'running' || kind === 'waiting_for_retries' || kind === 'closing'
}

function counts({ batch, queue }: ProgressView): Cell[] {
  return [
    figure(batch.retries, 'retry', 'retries'),
    figure(batch.throttled, 'throttled', 'throttled'),
    figure(batch.usage.total_tokens, 'token', 'tokens'),
    ...(queue.delayed > 0 && batch.state === 'running'
      ? [figure(queue.delayed, 'to retry', 'to retry')]
      : []),
  ]
}

/** What did not happen recedes. */
function figure(count: number, one: string, many: string): Cell {
  return { text: formatCounted(count, one, many), tone: count === 0 ? 'faint' : 'plain' }
}
