import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { age } from '../option-values.js'

export interface PurgeFlags extends ConfigurationFlags {
  /** Milliseconds. */
  readonly olderThan?: number
  readonly dryRun?: true
  readonly yes?: true
  readonly json?: true
}

const MANUAL: Manual = {
  description: [
    'Removes what is kept of batches that have ended: their directory in the data directory, their keys in Redis, ' +
      'their dead letters. The output files that you named stay. A batch that runs is refused: cancel it first.',
    'Workers do this by themselves for what is older than the limits of the configuration (30 days by default; ' +
      'conduit-batch doctor shows what is used).',
  ],
  examples: [
    { type: 'conduit-batch purge b82926d785cbb' },
    { type: 'conduit-batch purge --older-than 30d --dry-run', for: 'only says what would be removed' },
    { type: 'conduit-batch purge --older-than 12h --yes' },
  ],
  seeAlso: ['list', 'cancel', 'doctor'],
}

/** `conduit-batch purge`: removes what is kept of ended batches. */
export function purgeCommand(): Command {
  const command = new Command('purge')
    .description('remove what is kept of ended batches; the output files stay')
    .argument('[batch]', 'its id, the beginning of it, or its name')
    .option('--older-than <age>', 'all that ended so long ago: 90m, 12h, 30d, 2w', age)
    .option('--dry-run', 'only say what would be removed')
    .option('-y, --yes', 'do not ask')
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string | undefined, flags: PurgeFlags) => {
      const { purge } = await import('../purge/purge.js')
      await purge(batch, flags)
    })
}
