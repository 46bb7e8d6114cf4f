import type { HoldReason, Incident } from '../../admission/hold.js'
import { reasonInWords } from '../../alerts/advice.js'
import type { BatchSnapshot } from '../../batches/snapshot.js'
import { askedSentence, askedSteps } from './asked-words.js'
import { failureCommands, type NextSteps } from './batch-next-steps.js'
import { deadOf } from './failures.js'
import { formatCount, formatCounted } from './format.js'
import { oneLine } from './harmless.js'
import { holdAdvice } from './hold-advice.js'
import type { Cell } from './layout.js'
import { shellPath } from './shell-word.js'
import type { RunStatus } from './summary-object.js'
import { workCommand } from './workers-words.js'

/** What a summary tells about. */
export interface SummaryView {
  readonly batch: BatchSnapshot
  readonly incidents: readonly Incident[]
  readonly status: RunStatus
  /** Whether what holds the queue for a reason ends without a person. */
  readonly byItself: (reason: HoldReason) => boolean
}

const SAME_COMMAND = 'Start the same command again: it goes on where it stopped.'

/** How it ended, in one sentence. */
export function headline({ batch, incidents, status }: SummaryView): Cell {
  switch (status) {
    case 'completed':
      return completedHeadline(batch)
    case 'paused': {
      const open = openIncident(incidents)
      const why = open === undefined ? 'it waits for a person' : reasonInWords(open.reason)
      return { text: `Paused: ${why}. Nothing is lost.`, tone: 'alert' }
    }
    case 'interrupted':
      return { text: `Interrupted with ${doneOf(batch)}. Nothing is lost.`, tone: 'alert' }
    case 'stopped':
      return (
        askedHeadline(batch) ?? {
          text: `Stopped: ${because(batch, 'it cannot go on by itself.')}`,
          tone: 'bad',
        }
      )
    case 'replaced':
      return { text: `Replaced: ${because(batch, 'another batch has taken its place.')}`, tone: 'bad' }
    case 'cancelled':
      return { text: `Cancelled: ${endedEarly(batch)}`, tone: 'bad' }
    case 'expired':
      return { text: `Expired: ${endedEarly(batch)}`, tone: 'bad' }
  }
}

function askedHeadline(batch: BatchSnapshot): Cell | null {
  const asked = askedSentence(batch)
  return asked === null ? null : { text: `Stopped. ${asked}`, tone: 'alert' }
}

function completedHeadline({ total, completed, failed }: BatchSnapshot): Cell {
  if (total === 0) return { text: 'Finished: there was no request in the input.', tone: 'good' }
  if (failed === 0) {
    return { text: `Finished: ${formatCounted(total, 'request', 'requests')}, all answered.`, tone: 'good' }
  }
  return {
    text: `Finished: ${formatCount(completed)} answered, ${formatCount(failed)} failed.`,
    tone: 'alert',
  }
}

function doneOf({ completed, failed, total }: BatchSnapshot): string {
  return `${formatCount(completed + failed)} of ${formatCount(total)} done`
}

/** `10 answered, 2 failed, 88 not finished (cancelled by ann).` */
function endedEarly(batch: BatchSnapshot): string {
  const { completed, unfinished, reason } = batch
  const counts = `${formatCount(completed)} answered, ${formatCount(deadOf(batch))} failed, ${formatCount(unfinished)} not finished`
  return `${counts}${reason === null ? '' : ` (${oneLine(reason)})`}.`
}

function because({ reason }: BatchSnapshot, otherwise: string): string {
  return (reason === null ? '' : oneLine(reason)) || otherwise
}

/** Whether an incident's hold has not been lifted yet. */
export function isHeld({ liftedAt, resolvedAt }: Incident): boolean {
  return liftedAt === null && resolvedAt === null
}

function openIncident(incidents: readonly Incident[]): Incident | undefined {
  return incidents.findLast(isHeld) ?? incidents.at(-1)
}

/** The same command looks at the account and the key by itself, unless it is told not to; then `resume` helps. */
function pausedSteps(reason: HoldReason, queue: string, byItself: boolean): NextSteps {
  const { sentences, commands } = holdAdvice(reason, queue, byItself)
  if (byItself || reason === 'person') return { sentences: [...sentences, SAME_COMMAND], commands }
  const again = `Should it pause again at once, type: ${commands[0]}`
  return { sentences: [...sentences.slice(0, -1), SAME_COMMAND, again], commands }
}

/** The next command to type; nothing when all is answered. */
export function nextSteps({ batch, incidents, status, byItself }: SummaryView): NextSteps {
  switch (status) {
    case 'completed':
      return batch.failed === 0 ? { sentences: [], commands: [] } : lookAtFailures(batch)
    case 'paused': {
      const open = openIncident(incidents)
      if (open === undefined) return { sentences: [SAME_COMMAND], commands: [] }
      return pausedSteps(open.reason, batch.queue, byItself(open.reason))
    }
    case 'interrupted':
      return {
        sentences: [SAME_COMMAND, `Or leave it to workers: ${workCommand()}`],
        commands: [workCommand()],
      }
    case 'stopped':
      return askedSteps(batch) ?? (deadOf(batch) === 0 ? NOTHING : lookAtFailures(batch))
    case 'replaced':
      return NOTHING
    case 'cancelled':
    case 'expired': {
      const failures = deadOf(batch) === 0 ? NOTHING : lookAtFailures(batch)
      return { ...failures, sentences: [goOnFrom(status), ...failures.sentences] }
    }
  }
}

const NOTHING: NextSteps = { sentences: [], commands: [] }

/** How requests that are not finished are opened again. */
export function goOnFrom(state: 'cancelled' | 'expired'): string {
  return state === 'cancelled'
    ? 'Start the same command again: it calls what is not finished, and no answer again.'
    : 'Start the same command again with a longer --completion-window, or without one: it calls what is not finished, ' +
        'and no answer again.'
}

/** Error lines carry the status, the envelope and the request id of each failure; dead letters tell them in groups. */
function lookAtFailures({ batch, errors }: BatchSnapshot): NextSteps {
  const commands = [...failureCommands(batch), { what: 'Read each', command: `less ${shellPath(errors)}` }]
  return {
    sentences: [
      ...commands.map(({ what, command }) => `${what}: ${command}`),
      'Or mend them in the input and start the same command again: answers that are there are kept.',
    ],
    commands: commands.map(({ command }) => command),
  }
}
