import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'

export interface CancelFlags extends ConfigurationFlags {
  readonly json?: true
}

/** `conduit-batch cancel`: ends a batch early. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a batch early; what was answered is kept')
    .argument('<batch>', 'its id, the beginning of it, or its name')
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string, flags: CancelFlags) => {
      const { cancel } = await import('../cancel/cancel.js')
      await cancel(batch, flags)
    })
}
