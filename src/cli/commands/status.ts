import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { EXIT } from '../exit.js'
import { BATCH_EXIT, type Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

export interface StatusFlags extends ConfigurationFlags {
  readonly watch?: true
  readonly json?: true
}

/** Of a pause it does not end. */
const BRAKED = { code: EXIT.paused, means: 'only a person can help: stopped by the brake, or over budget' }

const MANUAL: Manual = {
  description: [
    'Without a batch: every queue with its gate, pace and workers, and the batches of this data directory. With one: ' +
      'all that is known of it, who works on it, and the next command to type.',
    'The pace is how fast calls may go out now, the limit of the key as it was found (none before the first refusal), ' +
      'calls in flight and how many there may be, permits about to be used, and the share of the last calls that was ' +
      'refused. --json has the same in queues[].pace.',
    'In --json, unfinished is how many of the failed were ended by cancel or a completion window before they had an ' +
      'end of their own, and brake or overBudget is what stopped the batch, or null.',
    'A channel of alerts that fails is shown, too (--json: failingChannels).',
    'With --watch it is shown again and again. Of one batch that is the progress that run shows; it ends with the ' +
      'batch, and with the exit code that run would have. Ctrl-C leaves, and the work goes on.',
  ],
  examples: [
    { type: 'conduit-batch status' },
    {
      type: 'conduit-batch status b82926d785cbb',
      for: 'the beginning of an id will do, or the name of the batch',
    },
    { type: 'conduit-batch status nightly --watch' },
    { type: 'conduit-batch status --json | jq .batches' },
    { type: "conduit-batch status --json | jq '.queues[].pace'" },
  ],
  exitStatus: BATCH_EXIT.map((each) => (each.code === EXIT.paused ? BRAKED : each)),
  seeAlso: ['list', 'results', 'work', 'pause', 'resume'],
}

/** `conduit-batch status`: queues, why they are held, and the batches of this data directory; or one batch. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('show queues and batches: what runs, what waits, what to do')
    .argument('[batch]', 'one batch: its id, the beginning of it, or its name')
    .option('-w, --watch', 'follow it live; Ctrl-C leaves the work alone')
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (batch: string | undefined, flags: StatusFlags) => {
      const { status } = await import('../status/status.js')
      process.exitCode = await status(batch, flags)
    })
}
