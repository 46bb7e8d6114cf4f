import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'

export interface StatusFlags extends ConfigurationFlags {
  readonly watch?: true
  readonly json?: true
}

/** `conduit-batch status`: queues, why they are held, and the batches of this data directory; or one batch. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('show queues and batches: what runs, what waits, what to do')
    .argument('[batch]', 'one batch: its id, the beginning of it, or its name')
    .option('-w, --watch', 'follow it live; Ctrl-C leaves the work alone')
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string | undefined, flags: StatusFlags) => {
      const { status } = await import('../status/status.js')
      process.exitCode = await status(batch, flags)
    })
}
