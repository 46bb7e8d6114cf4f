import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { dollars, queueName, someText, wholeNumber } from '../option-values.js'

export interface GateFlags extends ConfigurationFlags {
  readonly reason?: string
  readonly json?: true
}

export interface ResumeFlags extends GateFlags {
  readonly maxRequests?: number
  /** Cents. */
  readonly maxCost?: number
}

const JSON_FLAG = ['--json', 'print one JSON object on stdout'] as const

const PAUSE: Manual = {
  description: [
    'Holds the queue: no call starts, calls in flight finish, every job keeps its place. Only resume lifts it.',
  ],
  examples: [
    { type: 'conduit-batch pause' },
    { type: 'conduit-batch pause nightly --reason "waiting for the new prompt"' },
  ],
  seeAlso: ['resume', 'status', 'cancel'],
}

/** `conduit-batch pause`: no call starts until somebody resumes. */
export function pauseCommand(): Command {
  const command = new Command('pause')
    .description('let no call of a queue start until it is resumed; calls in flight finish')
    .argument('[queue]', 'the queue', queueName, 'default')
    .option('--reason <text>', 'why, for those who look at the status', someText)
  return addConfigurationOptions(withManual(command, PAUSE))
    .option(...JSON_FLAG)
    .action(async (queue: string, flags: GateFlags) => {
      const { pause } = await import('../gate/change-gate.js')
      await pause(queue, flags)
    })
}

const RESUME: Manual = {
  description: [
    'Of a queue, or without a word of the queue default: lifts whatever holds it, a pause, an empty account, a key that ' +
      'was refused. One call goes first; when it succeeds, all go on. When the cause is still there, the queue is held ' +
      'again, and nobody is told twice.',
    'Of a batch (its id, the beginning of it, or its name) that the brake has stopped: lets it go on. The code that it ' +
      'was stopped for does not stop it again; another one does. Holds of its queue stay.',
    'Of a batch that has used up a budget (--max-requests, --max-cost): lets it go on without that, or with the larger ' +
      'one that is given here. A budget counts from the beginning of the batch.',
    'A word that names a queue means the queue. The id of a batch always means the batch.',
  ],
  examples: [
    { type: 'conduit-batch resume', for: 'after topping up' },
    { type: 'conduit-batch resume nightly' },
    { type: 'conduit-batch resume b82926d785cbb', for: 'a batch that the brake has stopped' },
    { type: 'conduit-batch resume nightly-batch --max-cost 20', for: 'one that has used up less' },
  ],
  exitStatus: [
    { code: 0, means: 'it is done, or there was nothing to lift' },
    {
      code: 1,
      means:
        'usage, configuration, no such queue or batch, or a batch that neither the brake nor a budget has stopped, or whose window is over',
    },
  ],
  seeAlso: ['pause', 'status', 'cancel'],
}

/** `conduit-batch resume`: lifts every hold of a queue, or lets a batch go on after the brake or a budget. */
export function resumeCommand(): Command {
  const command = new Command('resume')
    .description('lift every hold of a queue, or let a batch go on that has stopped to ask')
    .argument('[queue-or-batch]', 'the queue, or the batch', someText, 'default')
    .option('--max-requests <n>', 'of a batch: stop again after so many requests in all', wholeNumber(1))
    .option('--max-cost <dollars>', 'of a batch: stop again at about such a cost in all', dollars)
  return addConfigurationOptions(withManual(command, RESUME))
    .option(...JSON_FLAG)
    .action(async (word: string, flags: ResumeFlags) => {
      const { resume } = await import('../gate/resume.js')
      await resume(word, flags)
    })
}
