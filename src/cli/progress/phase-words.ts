import type { EndingState, OverState } from '../../batches/states.js'
import { formatCount, formatCounted } from '../text/format.js'
import { oneLine } from '../text/harmless.js'
import { OUTAGE_REST, outageHeadline } from '../text/pace-words.js'
import { overdueWords } from '../text/window-words.js'
import { workCommand } from '../text/workers-words.js'
import type { Phase } from './phase.js'
import { settledOf } from './phase.js'
import type { ProgressView } from './view.js'

/** A phase in a word and a sentence. */
export interface PhaseWords {
  readonly heading: string
  readonly sentence: string
}

/** What a phase other than a pause means; null when there is nothing to say beyond the figures. */
export function phaseWords(phase: Exclude<Phase, { kind: 'paused' }>, view: ProgressView): PhaseWords | null {
  switch (phase.kind) {
    case 'running':
      return view.attached ? { heading: 'WATCHING', sentence: watching } : null
    case 'probing':
      return {
        heading: 'RESUMING',
        sentence: 'One call goes first; when it succeeds, all the others follow.',
      }
    case 'outage':
      return { heading: 'OUTAGE', sentence: `${outageHeadline(phase.since, view.nowMs)} ${OUTAGE_REST}` }
    case 'waiting_for_retries':
      return { heading: 'WAITING', sentence: retriesWait(view) }
    case 'no_worker':
      return {
        heading: 'WAITING',
        sentence: `No worker is at work on this queue right now. Nothing is lost. Start one: ${workCommand()}`,
      }
    case 'reconnecting':
      return { heading: 'WAITING', sentence: redisAway }
    case 'overdue':
      return { heading: 'OVER', sentence: overdueWords() }
    case 'closing':
      return { heading: 'STOPPING', sentence: closingSentence(view) }
    case 'ending':
      return endingWords(phase.state, view)
    case 'ended':
      return endedWords(phase.state, view)
  }
}

const watching = 'Another process does the work; this one shows it. Ctrl-C here leaves the work alone.'
const redisAway = 'Redis does not answer. Nothing is lost: it goes on by itself when Redis is back.'

function retriesWait({ queue }: ProgressView): string {
  return `${formatCounted(queue.delayed, 'request waits', 'requests wait')} for the next try.`
}

function closingSentence({ attached, queue }: ProgressView): string {
  if (attached) return 'Leaving; the other process goes on with the work.'
  if (queue.active === 0) return 'Nothing is in flight any more. The same command goes on from here.'
  const calls = formatCounted(queue.active, 'call', 'calls')
  return `Finishing ${calls} in flight. Ctrl-C again leaves at once. The same command goes on from here.`
}

function endingWords(state: EndingState, { queue }: ProgressView): PhaseWords {
  const calls = formatCounted(queue.pace.inFlight, 'call', 'calls')
  const waits = queue.pace.inFlight > 0 ? `The ${calls} in flight finish; then what` : 'What'
  const rest = `${waits} is open becomes error lines.`
  switch (state) {
    case 'cancelling':
      return { heading: 'CANCELLING', sentence: `No further call starts. ${rest}` }
    case 'expiring':
      return { heading: 'EXPIRING', sentence: `Its completion window is over. ${rest}` }
  }
}

function endedWords(state: OverState, { batch }: ProgressView): PhaseWords {
  const because = batch.reason === null ? '' : oneLine(batch.reason)
  switch (state) {
    case 'completed':
      return { heading: 'FINISHED', sentence: 'Every request has its answer or its error.' }
    case 'stopped':
      return { heading: 'STOPPED', sentence: because || 'It cannot go on by itself.' }
    case 'replaced':
      return { heading: 'REPLACED', sentence: because || 'Another batch has taken its place.' }
    case 'cancelled':
      return { heading: 'CANCELLED', sentence: because || 'What was answered is kept.' }
    case 'expired':
      return { heading: 'EXPIRED', sentence: because || 'Its time was over. What was answered is kept.' }
  }
}

/** That a pause loses nothing, with what is done and what waits. */
export function nothingIsLost(view: ProgressView): string {
  const { total } = view.batch
  const settled = settledOf(view)
  const waiting = formatCounted(total - settled, 'keeps its place', 'keep their place')
  return `Nothing is lost: ${formatCount(settled)} of ${formatCount(total)} are done, ${waiting}.`
}
