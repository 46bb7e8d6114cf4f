import { Command } from 'commander'
import type { WorkFlags } from '../work/work.js'
import { addWorkerOptions } from './worker-options.js'

const EXAMPLES = `
Roles (every queue needs each of them somewhere):
  completion   makes the calls; as many processes as you like, on any machine that reaches Redis
  batch        feeds and collects the batches of its data directory; one process at a time, others wait for their turn
  alert        tells a person when only a person can help (log and webhook)

It works until it is stopped. SIGTERM or Ctrl-C lets calls in flight finish for 30 s at most, then gives them back; no
attempt is used. A second signal gives them back at once. On a terminal it tells what happens; elsewhere it writes its
log to stderr, a JSON object a line.

Examples:
  conduit-batch work                                (all roles, all queues that are set up)
  conduit-batch work --roles completion             (one more process that makes calls)
  conduit-batch work --roles batch,alert            (needs no key)
  conduit-batch work --queue default --queue nightly --concurrency 100
  conduit-batch work --until-idle                   (for scripts: ends when nothing is left to do)
`

/** `conduit-batch work`: workers, apart from the commands that hand in batches. */
export function workCommand(): Command {
  const command = new Command('work').description(
    'run workers: they work on every batch that was handed in, until they are stopped',
  )
  return addWorkerOptions(command)
    .option('--until-idle', 'end when no batch is active and nothing waits')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: WorkFlags) => {
      // Loaded only now: `--help` must be quick.
      const { work } = await import('../work/work.js')
      process.exitCode = await work(flags)
    })
}
