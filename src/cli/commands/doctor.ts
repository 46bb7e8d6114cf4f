import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { EXIT } from '../exit.js'
import type { Manual } from '../help/manual.js'
import { withManual } from '../help/with-manual.js'

export interface DoctorFlags extends ConfigurationFlags {
  readonly json?: true
}

const MANUAL: Manual = {
  description: [
    'Looks whether Redis can be used and keeps what it is given, whether keys are valid and accounts have money, ' +
      'whether there is room on the disk, how much is kept of batches and dead letters, and whether alerts could be ' +
      'delivered. No call is made that costs.',
  ],
  examples: [
    { type: 'conduit-batch doctor' },
    { type: 'conduit-batch doctor --json | jq -e .ready', for: 'for scripts' },
  ],
  exitStatus: [
    { code: 0, means: 'a batch could run' },
    { code: 1, means: 'something is in the way of a batch' },
  ],
  seeAlso: ['status', 'simulate', 'purge'],
}

/** `conduit-batch doctor`: is everything in place for a batch? Costs nothing. */
export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'check Redis, the keys and balances of every queue, and the disk; costs nothing',
  )
  return addConfigurationOptions(withManual(command, MANUAL))
    .option('--json', 'print one JSON object on stdout')
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import('../doctor/doctor.js')
      process.exitCode = (await doctor(flags)) ? EXIT.answered : EXIT.error
    })
}
