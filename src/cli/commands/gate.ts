import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { queueName, someText } from '../option-values.js'

export interface GateFlags extends ConfigurationFlags {
  readonly reason?: string
  readonly json?: true
}

const JSON_FLAG = ['--json', 'print one JSON object on stdout'] as const

/** `conduit-batch pause`: no call starts until somebody resumes. */
export function pauseCommand(): Command {
  const command = new Command('pause')
    .description('let no call of a queue start until it is resumed; calls in flight finish')
    .argument('[queue]', 'the queue', queueName, 'default')
    .option('--reason <text>', 'why, for those who look at the status', someText)
  return addConfigurationOptions(command)
    .option(...JSON_FLAG)
    .addHelpText('after', '\nExample:\n  conduit-batch pause --reason "waiting for the new prompt"\n')
    .action(async (queue: string, flags: GateFlags) => {
      const { pause } = await import('../gate/change-gate.js')
      await pause(queue, flags)
    })
}

/** `conduit-batch resume`: lifts every hold; one call goes first, and when it succeeds all go on. */
export function resumeCommand(): Command {
  const command = new Command('resume')
    .description('lift every hold of a queue, after topping up for one; no job has lost its place')
    .argument('[queue]', 'the queue', queueName, 'default')
  return addConfigurationOptions(command)
    .option(...JSON_FLAG)
    .addHelpText('after', '\nExamples:\n  conduit-batch resume\n  conduit-batch resume nightly\n')
    .action(async (queue: string, flags: GateFlags) => {
      const { resume } = await import('../gate/change-gate.js')
      await resume(queue, flags)
    })
}
