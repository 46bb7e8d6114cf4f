import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'
import { queueName, wholeNumber } from '../option-values.js'

export interface IncidentsFlags extends ConfigurationFlags {
  readonly queue?: string
  readonly limit: number
  readonly json?: true
}

const DEFAULT_LIMIT = 10

const MANUAL: Manual = {
  description: [
    'An incident goes from the first hold that takes a person (an empty account, a refused key, a limit, no room) to the ' +
      'first answer after it, or until nothing waits any more. Tries that were refused in between belong to it. What is ' +
      'open comes first.',
    'Of each: since when and for how long, what Conduit said, how much waited and about what that cost, every hold with ' +
      'who or what ended it, and how often somebody was reminded. Each queue keeps the last 200, for 90 days ' +
      '(retention.incidents in the file of settings).',
  ],
  examples: [
    { type: 'conduit-batch incidents' },
    { type: 'conduit-batch incidents --queue nightly --limit 1', for: 'the last one of a queue' },
    { type: 'conduit-batch incidents --json' },
  ],
  seeAlso: ['status', 'resume', 'doctor'],
}

/** `conduit-batch incidents`: when a queue waited for a person, why, and what ended it. */
export function incidentsCommand(): Command {
  const command = new Command('incidents')
    .description('tell when queues waited for a person, why, and what ended it; the newest first')
    .option('-q, --queue <name>', 'only those of this queue', queueName)
    .option('--limit <n>', 'how many at most', wholeNumber(1), DEFAULT_LIMIT)
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (flags: IncidentsFlags) => {
      const { tellIncidents } = await import('../incidents/incidents.js')
      await tellIncidents(flags)
    })
}
