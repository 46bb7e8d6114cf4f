import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { cancelCommand } from './commands/cancel.js'
import { doctorCommand } from './commands/doctor.js'
import { pauseCommand, resumeCommand } from './commands/gate.js'
import { listCommand } from './commands/list.js'
import { purgeCommand } from './commands/purge.js'
import { resultsCommand } from './commands/results.js'
import { runCommand } from './commands/run.js'
import { serveCommand } from './commands/serve.js'
import { simulateCommand } from './commands/simulate.js'
import { statusCommand } from './commands/status.js'
import { submitCommand } from './commands/submit.js'
import { workCommand } from './commands/work.js'

const EXAMPLES = `
Examples:
  conduit-batch run prompts.jsonl
  conduit-batch run prompts.txt.gz --model gpt-4o-mini --output answers.jsonl
  cat prompts.jsonl | conduit-batch run - --output answers.jsonl
  conduit-batch status            (from another terminal)
  conduit-batch resume            (after topping up)
  conduit-batch work              (workers that go on whoever hands in batches)
  conduit-batch serve             (workers, and a page to look at the queues)
  conduit-batch doctor            (is everything in place?)

Settings (environment):
  CONDUIT_API_KEY, or CONDUIT_API_KEY_FILE   your Conduit API key
  REDIS_URL                                  a Redis to use; without it a private one runs in the data directory
  CONDUIT_BATCH_CONFIG                       a file with more settings, and queues (default ./conduit-batch.config.json)
  CONDUIT_BATCH_DATA_DIR                     where batches are kept (default ./.conduit-batch)
  CONDUIT_BATCH_ALERT_WEBHOOK                a URL that is told once when only a person can help
  CONDUIT_BASE_URL, CONDUIT_BILLING_URL      another Conduit (see: conduit-batch simulate)
  CONDUIT_BATCH_TOKEN                        what a client of serve must show
  CONDUIT_BATCH_LOG_LEVEL                    trace, debug, info, warn, error or silent

Exit codes: 0 all answered, 1 usage or configuration, 2 finished with failures, 3 paused, 130 interrupted.
`

function version(): string {
  // dist/src/cli/main.js → the package's root (scripts/bundle.mjs turns it for the bundle)
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}

/** Every command of `conduit-batch`; nothing runs until it is told to parse. */
export function createProgram(): Command {
  return new Command('conduit-batch')
    .description('Durable batch completions on Conduit.im: one answer for every prompt, whatever happens.')
    .version(version())
    .showHelpAfterError('(conduit-batch --help tells more)')
    .addHelpText('after', EXAMPLES)
    .addCommand(runCommand())
    .addCommand(submitCommand())
    .addCommand(workCommand())
    .addCommand(serveCommand())
    .addCommand(statusCommand())
    .addCommand(listCommand())
    .addCommand(resultsCommand())
    .addCommand(cancelCommand())
    .addCommand(purgeCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(doctorCommand())
    .addCommand(simulateCommand())
}
