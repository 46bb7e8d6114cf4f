import { Command } from 'commander'
import { addConfigurationOptions } from '../common-options.js'
import { batchName } from '../option-values.js'
import type { SubmitFlags } from '../run/flags.js'
import { addBatchOptions } from './batch-options.js'

/** `conduit-batch submit`: a batch for the workers; this command does not wait for it. */
export function submitCommand(): Command {
  const command = addBatchOptions(
    new Command('submit').description('hand a file of prompts over to the workers, and leave at once'),
  ).option('--name <name>', 'what to call the batch, instead of its id', batchName)
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout instead of the id')
    .action(async (input: string, flags: SubmitFlags) => {
      const { submitBatch } = await import('../submit/submit.js')
      await submitBatch(input, flags)
    })
}
