import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { queueName, someText } from '../option-values.js'

export interface GateFlags extends ConfigurationFlags {
  readonly reason?: string
  readonly json?: true
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
    'A word that names a queue means the queue. The id of a batch always means the batch.',
  ],
  examples: [
    { type: 'conduit-batch resume', for: 'after topping up' },
    { type: 'conduit-batch resume nightly' },
    { type: 'conduit-batch resume b82926d785cbb', for: 'a batch that the brake has stopped' },
  ],
  exitStatus: [
    { code: 0, means: 'it is done, or there was nothing to lift' },
    {
      code: 1,
      means:
        'usage, configuration, no such queue or batch, or a batch that the brake has not stopped, or whose window is over',
    },
  ],
  seeAlso: ['pause', 'status', 'cancel'],
}

/** `conduit-batch resume`: lifts every hold of a queue, or lets a batch go on after the brake. */
export function resumeCommand(): Command {
  const command = new Command('resume')
    .description('lift every hold of a queue, or let a batch go on that the brake has stopped')
    .argument('[queue-or-batch]', 'the queue, or the batch', someText, 'default')
  return addConfigurationOptions(withManual(command, RESUME))
    .option(...JSON_FLAG)
    .action(async (word: string, flags: GateFlags) => {
      const { resume } = await import('../gate/resume.js')
      await resume(word, flags)
    })
}
