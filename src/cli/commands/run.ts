import { Command } from 'commander'
import { addConfigurationOptions } from '../common-options.js'
import type { RunFlags } from '../run/flags.js'
import { addBatchOptions } from './batch-options.js'

const EXAMPLES = `
Lines of the input, one JSON object each:
  {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "…", "messages": […]}}
  {"custom_id": "a", "model": "…", "messages": [{"role": "user", "content": "…"}]}
  {"prompt": "…"}                                    (with --model)

Answers go to <input>.results.jsonl, failures to <input>.errors.jsonl; each line of the input ends in exactly one.
The same command again goes on where it stopped: after Ctrl-C, a crash, or with another key.

Examples:
  conduit-batch run prompts.jsonl
  conduit-batch run prompts.jsonl --model gpt-4o-mini --concurrency 200
  zcat big.jsonl.gz | conduit-batch run - --output answers.jsonl --json
  conduit-batch run prompts.jsonl --strict           (send nothing if one line is wrong)
  conduit-batch run prompts.jsonl --exit-on-pause    (for scripts: exit 3 instead of waiting for a person)
`

/** `conduit-batch run`: a file of prompts in, one answer each out. */
export function runCommand(): Command {
  const command = addBatchOptions(
    new Command('run').description('answer every prompt of a file, and wait until it is done'),
  ).option('--exit-on-pause', 'exit with 3 when only a person can help, instead of waiting')
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, flags: RunFlags) => {
      // Loaded only now: `--help` must be quick.
      const { run } = await import('../run/run.js')
      process.exitCode = await run(input, flags)
    })
}
