import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'

export interface StatusFlags extends ConfigurationFlags {
  readonly json?: true
}

/** `conduit-batch status`: queues, why they are held, and the batches of this data directory. */
export function statusCommand(): Command {
  const command = new Command('status').description(
    'show queues and batches: what runs, what waits, what to do',
  )
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  conduit-batch status\n  conduit-batch status --json | jq .batches\n',
    )
    .action(async (flags: StatusFlags) => {
      const { status } = await import('../status/status.js')
      await status(flags)
    })
}
