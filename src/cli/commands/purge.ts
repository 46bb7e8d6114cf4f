import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { age } from '../option-values.js'

export interface PurgeFlags extends ConfigurationFlags {
  /** Milliseconds. */
  readonly olderThan?: number
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

/** `conduit-batch purge`: removes what is kept of ended batches. */
export function purgeCommand(): Command {
  const command = new Command('purge')
    .description('remove what is kept of ended batches; the output files stay')
    .argument('[batch]', 'its id, the beginning of it, or its name')
    .option('--older-than <age>', 'all that ended so long ago: 30d, 12h, 90m', age)
    .option('--dry-run', 'only say what would be removed')
    .option('-y, --yes', 'do not ask')
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string | undefined, flags: PurgeFlags) => {
      const { purge } = await import('../purge/purge.js')
      await purge(batch, flags)
    })
}
