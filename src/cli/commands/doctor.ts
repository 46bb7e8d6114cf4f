import { Command } from 'commander'
import { addConfigurationOptions, type ConfigurationFlags } from '../common-options.js'
import { EXIT } from '../exit.js'

export interface DoctorFlags extends ConfigurationFlags {
  readonly json?: true
}

/** `conduit-batch doctor`: is everything in place for a batch? Costs nothing. */
export function doctorCommand(): Command {
  const command = new Command('doctor').description(
    'check Redis, the keys and balances of every queue, and the disk; costs nothing',
  )
  return addConfigurationOptions(command)
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExits with 1 when something is in the way of a batch.\n')
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import('../doctor/doctor.js')
      process.exitCode = (await doctor(flags)) ? EXIT.answered : EXIT.error
    })
}
