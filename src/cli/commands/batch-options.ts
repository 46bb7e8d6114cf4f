import { type Command, Option } from 'commander'
import { PRIORITIES } from '../../completions/priority.js'
import { age, dollars, queueName, seconds, someText, wholeNumber } from '../option-values.js'

/** What `run` and `submit` say of a batch: its input, where answers go, how it is to be treated. */
export function addBatchOptions(command: Command): Command {
  return command
    .argument('<input>', 'a file of prompts (.jsonl, .jsonl.gz), or - for stdin')
    .option('-o, --output <file>', 'where answers go (default: <input>.results.jsonl)', someText)
    .option('-q, --queue <name>', 'the queue to use', queueName, 'default')
    .option('-m, --model <model>', 'for lines that name no model', someText)
    .option(
      '-c, --concurrency <n>',
      'calls in flight at most, in each process; fewer when more bring no more answers',
      wholeNumber(1, 1000),
      1000,
    )
    .option('--max-attempts <n>', 'attempts for each request', wholeNumber(1, 1000), 8)
    .addOption(secondsOption('--timeout <seconds>', 'for one call', 0.1, 3600, 300))
    .addOption(
      secondsOption('--backoff-base <seconds>', 'wait after the first failed attempt', 0.01, 3600, 1),
    )
    .addOption(secondsOption('--backoff-cap <seconds>', 'longest wait between attempts', 0.01, 86_400, 60))
    .addOption(
      new Option('--priority <priority>', 'its part of the calls beside other batches: 4, 2 or 1 parts')
        .choices(PRIORITIES)
        .default('normal'),
    )
    .option(
      '--completion-window <time>',
      'when it expires: 90s, 30m, 24h, 7d after it was made (default: never)',
      age,
    )
    .option('--no-brake', 'go on when nearly all requests fail with the same code')
    .option(
      '--max-requests <n>',
      'stop after so many requests, and ask (retries are not counted)',
      wholeNumber(1),
    )
    .option('--max-cost <dollars>', 'stop at about such a cost, and ask', dollars)
    .option('--dry-run', 'check the input, tell about what it will take, and send nothing')
    .option('--strict', 'refuse the file if one line of it cannot be sent')
    .option('--fresh', 'start over: forget the answers that are there')
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
