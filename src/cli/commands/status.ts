import { Command } from 'commander'

export interface StatusFlags {
  readonly dataDir?: string
  readonly json?: true
}

/** `conduit-batch status`: queues, why they are held, and the batches of this data directory. */
export function statusCommand(): Command {
  return new Command('status')
    .description('show queues and batches: what runs, what waits, what to do')
    .option(
      '--data-dir <dir>',
      'where batches are kept (default: CONDUIT_BATCH_DATA_DIR or ./.conduit-batch)',
    )
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  conduit-batch status\n  conduit-batch status --json | jq .batches\n',
    )
    .action(async (flags: StatusFlags) => {
      const { status } = await import('../status/status.js')
      await status(flags)
    })
}
