import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

export interface RetryFailedFlags extends ConfigurationFlags {
  readonly set?: readonly string[]
  readonly dryRun?: true
  readonly json?: true
}

const MANUAL: Manual = {
  description: [
    'Sends every request of the batch that failed again: each gets a new set of attempts, and its answer joins the ' +
      'others. When all have ended, the files of the batch are whole again. It can be interrupted and repeated; no ' +
      'request is sent twice by that.',
    '--set changes the body before: body.FIELD=VALUE, with dots for fields within fields. A value is JSON where it is ' +
      'JSON, else a text. Lines that were never a request can not be sent so: mend the file, and run it again.',
  ],
  examples: [
    { type: 'conduit-batch retry-failed b82926d785cbb' },
    { type: 'conduit-batch retry-failed nightly --dry-run', for: 'only counts' },
    { type: 'conduit-batch retry-failed nightly --set body.model=gpt-4o-mini --set body.temperature=0' },
  ],
  seeAlso: ['results', 'status'],
}

/** `conduit-batch retry-failed`: sends again what failed. */
export function retryFailedCommand(): Command {
  const command = new Command('retry-failed')
    .description('send the requests of a batch that failed again')
    .argument('<batch>', 'its id, the beginning of it, or its name')
    .option('--set <edit>', 'change the bodies: body.FIELD=VALUE, repeatable', collect)
    .option('--dry-run', 'only count what would be sent')
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string, flags: RetryFailedFlags) => {
      const { retryFailed } = await import('../retry-failed/retry-failed.js')
      await retryFailed(batch, flags)
    })
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
