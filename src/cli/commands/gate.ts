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
    'Lifts whatever holds the queue: a pause, an empty account, a key that was refused. One call goes first; when it ' +
      'succeeds, all go on. When the cause is still there, the queue is held again, and nobody is told twice.',
  ],
  examples: [
    { type: 'conduit-batch resume', for: 'after topping up' },
    { type: 'conduit-batch resume nightly' },
  ],
  seeAlso: ['pause', 'status'],
}

/** `conduit-batch resume`: lifts every hold; one call goes first, and when it succeeds all go on. */
export function resumeCommand(): Command {
  const command = new Command('resume')
    .description('lift every hold of a queue, after topping up for one; no job has lost its place')
    .argument('[queue]', 'the queue', queueName, 'default')
  return addConfigurationOptions(withManual(command, RESUME))
    .option(...JSON_FLAG)
    .action(async (queue: string, flags: GateFlags) => {
      const { resume } = await import('../gate/change-gate.js')
      await resume(queue, flags)
    })
}
