import { Command } from 'commander'
import { addConfigurationOptions, addPaceOption, addResumeOptions } from '../common-options.js'
import { BATCH_EXIT, type Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import type { RunFlags } from '../run/flags.js'
import { addBatchOptions } from './batch-options.js'

const MANUAL: Manual = {
  description: [
    'Makes a batch of the input, works on it (or watches whoever does), shows how far it is, and ends with it. Answers ' +
      'go to <input>.results.jsonl, failures to <input>.errors.jsonl; each line of the input ends in exactly one.',
    'The same command again goes on where it stopped: after Ctrl-C, a crash, or with another key; also after a cancel, ' +
      'or once its window was over, when it names a longer one or none.',
    'A pause ends by itself when somebody has topped up (the balance is asked for every --balance-poll seconds), when ' +
      'another key is found, at midnight UTC for the daily quota, and after a while for a spending limit; conduit-batch ' +
      'resume ends it at once. With --no-auto-resume only that does. Where there is no terminal, SIGHUP reads the key and ' +
      'the settings again.',
    'The brake: when nearly all of the last requests failed with one code (20 at the start, then 95 % of the last 200), ' +
      'the batch stops, and this command exits with 3. conduit-batch resume BATCH lets it go on; --no-brake does without.',
    'Budgets: --max-requests and --max-cost stop the batch when it has used them up, and ask: exit code 3. ' +
      'conduit-batch resume BATCH lets it go on, and so does the same command with a larger budget, or with none. The ' +
      'cost is told from the prices of the settings ("prices"), or learned from the account\'s balance.',
    '--dry-run checks the whole input, and tells how many tokens it will take and what that costs, as far as prices and ' +
      'earlier answers say. It needs no key, makes no call and leaves nothing behind.',
    '--completion-window: what is open when it is over becomes a line of the errors file with the code batch_expired. ' +
      'The time runs from when the batch was made, through pauses and outages and while nothing works on it. ' +
      'When dead letters of a completed batch are retried, a window that is over counts no more.',
  ],
  sections: [
    {
      title: 'INPUT',
      lines: [
        'One JSON object a line, in any of three forms:',
        '{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions",',
        '  "body": {"model": "…", "messages": […]}}',
        '{"custom_id": "a", "model": "…", "messages": [{"role": "user", "content": "…"}]}',
        '{"prompt": "…"}                        (with --model)',
      ],
    },
  ],
  examples: [
    { type: 'conduit-batch run prompts.jsonl' },
    { type: 'conduit-batch run prompts.jsonl --model gpt-4o-mini --concurrency 200' },
    { type: 'conduit-batch run urgent.jsonl --priority high', for: 'twice the calls of other batches' },
    { type: 'conduit-batch run prompts.jsonl --rpm 300', for: 'leave the rest of the limit to others' },
    { type: 'zcat big.jsonl.gz | conduit-batch run - --output answers.jsonl --json' },
    { type: 'conduit-batch run prompts.jsonl --completion-window 24h' },
    { type: 'conduit-batch run prompts.jsonl --strict', for: 'send nothing if one line is wrong' },
    { type: 'conduit-batch run prompts.jsonl --dry-run', for: 'what would it cost?' },
    { type: 'conduit-batch run prompts.jsonl --max-cost 5', for: 'stop at about $5, and ask' },
    {
      type: 'conduit-batch run prompts.jsonl --exit-on-pause',
      for: 'for scripts: exit 3, do not wait for a person',
    },
  ],
  exitStatus: BATCH_EXIT,
  seeAlso: ['submit', 'status', 'resume', 'retry-failed', 'doctor'],
}

/** `conduit-batch run`: a file of prompts in, one answer each out. */
export function runCommand(): Command {
  const command = addBatchOptions(
    new Command('run').description('answer every prompt of a file, and wait until it is done'),
  ).option('--exit-on-pause', 'exit with 3 when only a person can help, instead of waiting')
  return addConfigurationOptions(addResumeOptions(addPaceOption(withManual(command, MANUAL))))
    .option('--json', 'print one JSON object as the last line of stdout')
    .action(async (input: string, flags: RunFlags) => {
      // Loaded only now: `--help` must be quick.
      if (flags.dryRun) {
        const { tellDryRun } = await import('../dry-run/dry-run.js')
        return tellDryRun(input, flags, false)
      }
      const { run } = await import('../run/run.js')
      process.exitCode = await run(input, flags)
    })
}
