import { Command } from 'commander'
import { alertsCommand } from './commands/alerts.js'
import { cancelCommand } from './commands/cancel.js'
import { completionCommand } from './commands/completion.js'
import { deadLettersCommand } from './commands/dead-letters.js'
import { doctorCommand } from './commands/doctor.js'
import { pauseCommand, resumeCommand } from './commands/gate.js'
import { helpCommand } from './commands/help.js'
import { incidentsCommand } from './commands/incidents.js'
import { listCommand } from './commands/list.js'
import { purgeCommand } from './commands/purge.js'
import { resultsCommand } from './commands/results.js'
import { retryFailedCommand } from './commands/retry-failed.js'
import { runCommand } from './commands/run.js'
import { serveCommand } from './commands/serve.js'
import { simulateCommand } from './commands/simulate.js'
import { statusCommand } from './commands/status.js'
import { submitCommand } from './commands/submit.js'
import { workCommand } from './commands/work.js'
import { BATCH_EXIT, type Manual } from './help/manual.js'
import { withManual } from './help/with-manual.js'
import { repeatOptions } from './text/suggest.js'

const MANUAL: Manual = {
  description: [
    'Hand over a file of prompts and get one answer for each, whatever happens on the way: rate limits, outages, ' +
      'crashes, an empty account. When only a person can help, one person is told once, everything waits without ' +
      'loss, and goes on by itself once they have acted.',
    'conduit-batch help COMMAND tells all about a command.',
  ],
  sections: [
    {
      title: 'ENVIRONMENT',
      lines: [
        'CONDUIT_API_KEY, or CONDUIT_API_KEY_FILE   your Conduit API key',
        'REDIS_URL                                  a Redis to use; else a private one runs',
        'CONDUIT_BATCH_CONFIG                       a file with more settings, and queues',
        '                                           (default ./conduit-batch.config.json)',
        'CONDUIT_BATCH_DATA_DIR                     where batches are kept (./.conduit-batch)',
        'CONDUIT_BATCH_ALERT_WEBHOOK                told once when only a person can help',
        '                                           (more channels: docs/alerts.md)',
        'CONDUIT_BASE_URL, CONDUIT_BILLING_URL      another Conduit (conduit-batch simulate)',
        'CONDUIT_BATCH_RPM                          requests a minute at most, for each queue',
        'CONDUIT_BATCH_BALANCE_POLL_SECONDS         how often the balance is asked for (default: 30)',
        'CONDUIT_BATCH_TOKEN                        what a client of serve must show',
        'CONDUIT_BATCH_LOG_LEVEL                    trace, debug, info, warn, error, silent',
      ],
    },
  ],
  examples: [
    { type: 'conduit-batch run prompts.jsonl' },
    { type: 'conduit-batch run prompts.jsonl.gz --model gpt-4o-mini --output answers.jsonl' },
    { type: 'conduit-batch submit prompts.jsonl && conduit-batch work', for: 'apart, also on two machines' },
    { type: 'conduit-batch serve', for: 'workers, and a page to look at the queues' },
    { type: 'conduit-batch status', for: 'from another terminal' },
    { type: 'conduit-batch resume', for: 'after topping up' },
    { type: 'conduit-batch dead-letters list', for: 'what failed, and how to mend it' },
    { type: 'conduit-batch doctor', for: 'is everything in place?' },
  ],
  exitStatus: BATCH_EXIT,
  seeAlso: ['help run', 'help submit', 'help status', 'completion bash'],
}

/** Every command of `conduit-batch`; nothing runs until it is told to parse. */
export function createProgram(version: string): Command {
  const program: Command = new Command('conduit-batch')
    .description('durable batch completions on Conduit.im')
    .version(version)
    .showHelpAfterError('(conduit-batch --help tells more)')
    .helpCommand(false)
    .hook('preAction', (_, command) => repeatOptions(command.opts()))
    .addCommand(runCommand())
    .addCommand(submitCommand())
    .addCommand(workCommand())
    .addCommand(serveCommand())
    .addCommand(statusCommand())
    .addCommand(listCommand())
    .addCommand(resultsCommand())
    .addCommand(deadLettersCommand())
    .addCommand(retryFailedCommand())
    .addCommand(cancelCommand())
    .addCommand(purgeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(incidentsCommand())
    .addCommand(alertsCommand())
    .addCommand(doctorCommand())
    .addCommand(simulateCommand())
    .addCommand(completionCommand(() => program))
    .addCommand(helpCommand(() => program))
  return withManual(program, MANUAL)
}
