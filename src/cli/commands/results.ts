import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { someText } from '../option-values.js'

export interface ResultsFlags extends ConfigurationFlags {
  readonly output?: string
  readonly force?: true
  readonly errors?: true
  readonly partial?: true
  readonly sort?: true
}

const MANUAL: Manual = {
  description: [
    'Reads the files of the batch in the data directory, up to what is surely written. The lines are those of ' +
      "OpenAI's batch output, in the order in which the answers came; --sort gives them in the order of the input, " +
      'without holding them in memory.',
    'A batch that is not finished is refused unless you say --partial. An existing output file is refused unless you ' +
      'say --force; it is written beside its name first, so it is there whole or not at all.',
  ],
  examples: [
    { type: 'conduit-batch results b82926d785cbb > answers.jsonl' },
    { type: 'conduit-batch results nightly --sort --output answers.jsonl' },
    { type: 'conduit-batch results nightly --partial | head -n 3' },
    { type: "conduit-batch results nightly --errors | jq -r '.custom_id'" },
  ],
  exitStatus: [
    { code: 0, means: 'they are written' },
    { code: 1, means: 'the batch is not finished, or they can not be read or written' },
  ],
  seeAlso: ['status', 'list', 'dead-letters list', 'retry-failed'],
}

/** `conduit-batch results`: the answers of a batch as JSON lines. */
export function resultsCommand(): Command {
  const command = new Command('results')
    .description('print the answers of a batch, one JSON object a line')
    .argument('<batch>', 'its id, the beginning of it, or its name')
    .option('-o, --output <file>', 'write them to a file, at once and whole, instead of stdout', someText)
    .option('-f, --force', 'replace that file when it is there already')
    .option('--errors', 'the lines that failed, instead of the answers')
    .option('--partial', 'what is there of a batch that is not finished')
    .option('--sort', 'in the order of the input, instead of that in which they came')
  return addConfigurationOptions(withManual(command, MANUAL)).action(
    async (batch: string, flags: ResultsFlags) => {
      const { results } = await import('../results/results.js')
      await results(batch, flags)
    },
  )
}
