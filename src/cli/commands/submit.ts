import { Command } from 'commander'
import { addConfigurationOptions } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { batchName } from '../option-values.js'
import type { SubmitFlags } from '../run/flags.js'
import { addBatchOptions } from './batch-options.js'

const MANUAL: Manual = {
  description: [
    'Reads the input, makes a batch of it in the data directory, tells Redis of it, and ends. Nothing is called by ' +
      'this command: workers do that, here or elsewhere (conduit-batch work), also after this terminal is closed.',
    'The id of the batch goes to stdout, alone; what there is to know goes to stderr. The same command again finds ' +
      'the batch that it made before, and lets it go on when it was cancelled or has stopped (after the brake only with ' +
      '--no-brake, after a budget only with a larger one or none: see conduit-batch resume). A window (--completion-window) runs from when the batch was made.',
  ],
  examples: [
    { type: 'conduit-batch submit prompts.jsonl' },
    { type: 'conduit-batch submit prompts.jsonl --name nightly', for: 'then: conduit-batch status nightly' },
    {
      type: 'batch=$(conduit-batch submit prompts.jsonl) && conduit-batch status "$batch" --watch',
      for: 'hand it over and follow it; Ctrl-C leaves the work alone',
    },
    { type: 'zcat big.jsonl.gz | conduit-batch submit - --output answers.jsonl --queue nightly' },
  ],
  exitStatus: [
    { code: 0, means: 'the batch is handed over' },
    { code: 1, means: 'usage, configuration, or an input that can not be used' },
  ],
  seeAlso: ['work', 'status', 'results', 'run', 'cancel'],
}

/** `conduit-batch submit`: a batch for the workers; this command does not wait for it. */
export function submitCommand(): Command {
  const command = addBatchOptions(
    new Command('submit').description('hand a file of prompts over to the workers, and leave at once'),
  ).option('--name <name>', 'what to call the batch, instead of its id', batchName)
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout instead of the id')
    .action(async (input: string, flags: SubmitFlags) => {
      if (flags.dryRun) {
        const { tellDryRun } = await import('../dry-run/dry-run.js')
        return tellDryRun(input, flags, true)
      }
      const { submitBatch } = await import('../submit/submit.js')
      await submitBatch(input, flags)
    })
}
