import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

export interface CancelFlags extends ConfigurationFlags {
  readonly json?: true
}

const MANUAL: Manual = {
  description: [
    'No further call of the batch starts. Calls in flight finish, and their answers are kept with all others. Every ' +
      'other request becomes a line of the errors file with the code batch_cancelled, and both files get their names, so ' +
      'each request is in exactly one of them. Nothing is removed (conduit-batch purge does that).',
    'Whoever serves the data directory of the batch does that. Where nobody does, and it is this one, this command does ' +
      'it and shows how it goes; Ctrl-C leaves the rest to the next who serves it, or to the same command.',
    'The same run or submit command opens what is batch_cancelled again later; no answer is called again.',
  ],
  examples: [
    { type: 'conduit-batch cancel b82926d785cbb' },
    { type: 'conduit-batch cancel nightly && conduit-batch results nightly > so-far.jsonl' },
  ],
  exitStatus: [
    { code: 0, means: 'it is cancelled, is being cancelled by who serves it, or had ended before' },
    { code: 1, means: 'usage, configuration, or no such batch' },
    { code: 130, means: 'interrupted; the same command goes on' },
  ],
  seeAlso: ['results', 'status', 'pause', 'purge'],
}

/** `conduit-batch cancel`: ends a batch early. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a batch early; what was answered is kept')
    .argument('<batch>', 'its id, the beginning of it, or its name')
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string, flags: CancelFlags) => {
      const { cancel } = await import('../cancel/cancel.js')
      process.exitCode = await cancel(batch, flags)
    })
}
