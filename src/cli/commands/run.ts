import { Command, Option } from 'commander'
import { addConfigurationOptions } from '../common-options.js'
import { queueName, seconds, someText, wholeNumber } from '../option-values.js'
import type { RunFlags } from '../run/flags.js'

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
  const command = new Command('run')
    .description('answer every prompt of a file, and wait until it is done')
    .argument('<input>', 'a file of prompts (.jsonl, .jsonl.gz), or - for stdin')
    .option('-o, --output <file>', 'where answers go (default: <input>.results.jsonl)', someText)
    .option('-q, --queue <name>', 'the queue to use', queueName, 'default')
    .option('-m, --model <model>', 'for lines that name no model', someText)
    .option('-c, --concurrency <n>', 'calls in flight at most', wholeNumber(1, 1000), 50)
    .option('--max-attempts <n>', 'attempts for each request', wholeNumber(1, 1000), 8)
    .addOption(secondsOption('--timeout <seconds>', 'for one call', 0.1, 3600, 300))
    .addOption(
      secondsOption('--backoff-base <seconds>', 'wait after the first failed attempt', 0.01, 3600, 1),
    )
    .addOption(secondsOption('--backoff-cap <seconds>', 'longest wait between attempts', 0.01, 86_400, 60))
    .option('--strict', 'refuse the file if one line of it cannot be sent')
    .option('--exit-on-pause', 'exit with 3 when only a person can help, instead of waiting')
    .option('--fresh', 'start over: forget the answers that are there')
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object as the last line of stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (input: string, flags: RunFlags) => {
      // Loaded only now: `--help` must be quick.
      const { run } = await import('../run/run.js')
      process.exitCode = await run(input, flags)
    })
}

/** Typed in seconds, kept in milliseconds; its default is shown as it would be typed. */
function secondsOption(
  flags: string,
  description: string,
  min: number,
  max: number,
  byDefault: number,
): Option {
  return new Option(flags, description)
    .argParser(seconds(min, max))
    .default(byDefault * 1000, String(byDefault))
}
