import { Command } from 'commander'
import { EXIT } from '../exit.js'

export interface DoctorFlags {
  readonly dataDir?: string
  readonly json?: true
}

/** `conduit-batch doctor`: is everything in place for a batch? Costs nothing. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check Redis, the API key, the balance and the disk; costs nothing')
    .option(
      '--data-dir <dir>',
      'where batches are kept (default: CONDUIT_BATCH_DATA_DIR or ./.conduit-batch)',
    )
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExits with 1 when something is in the way of a batch.\n')
    .action(async (flags: DoctorFlags) => {
      const { doctor } = await import('../doctor/doctor.js')
      process.exitCode = (await doctor(flags)) ? EXIT.answered : EXIT.error
    })
}
