import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { someText } from '../option-values.js'

export interface ResultsFlags extends ConfigurationFlags {
  readonly output?: string
  readonly force?: true
  readonly errors?: true
  readonly partial?: true
  readonly sort?: true
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
  return addConfigurationOptions(command).action(async (batch: string, flags: ResultsFlags) => {
    const { results } = await import('../results/results.js')
    await results(batch, flags)
  })
}
