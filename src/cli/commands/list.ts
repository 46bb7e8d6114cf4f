import { Command, InvalidArgumentError } from 'commander'
import { BATCH_STATES } from '../../batches/states.js'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { queueName, wholeNumber } from '../option-values.js'

export interface ListFlags extends ConfigurationFlags {
  readonly state?: readonly string[]
  readonly queue?: string
  readonly limit: number
  readonly json?: true
}

/** As `list` names them; `paused` runs on a queue that is held, `unknown` is a batch that Redis has forgotten. */
export const STATES: readonly string[] = [...BATCH_STATES, 'paused', 'unknown']
const DEFAULT_LIMIT = 50

const MANUAL: Manual = {
  description: [
    'The batches of this data directory, and those that Redis remembers of other ones. A batch that Redis has ' +
      'forgotten is shown as unknown; the same run or submit command tells it again.',
  ],
  examples: [
    { type: 'conduit-batch list' },
    { type: 'conduit-batch list --state running,paused' },
    { type: 'conduit-batch list --queue nightly --limit 10 --json' },
  ],
  seeAlso: ['status', 'results', 'purge'],
}

/** `conduit-batch list`: batches, the newest first. */
export function listCommand(): Command {
  const command = new Command('list')
    .description('list batches, the newest first')
    .option('-s, --state <states>', `only these: ${STATES.join(',')}`, states)
    .option('-q, --queue <name>', 'only those of this queue', queueName)
    .option('--limit <n>', 'how many at most', wholeNumber(1), DEFAULT_LIMIT)
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (flags: ListFlags) => {
      const { list } = await import('../list/list.js')
      await list(flags)
    })
}

function states(text: string): string[] {
  const named = text.split(',').map((state) => state.trim())
  const wrong = named.filter((state) => !STATES.includes(state))
  if (wrong.length === 0) return named
  throw new InvalidArgumentError(`It must be some of ${STATES.join(', ')}, with commas between.`)
}
