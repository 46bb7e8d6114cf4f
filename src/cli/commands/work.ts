import { Command, InvalidArgumentError } from 'commander'
import { ROLES, type Role } from '../../../workers/role.js'
import { addConfigurationOptions } from '../common-options.js'
import { queueName, wholeNumber } from '../option-values.js'
import type { WorkFlags } from '../work/work.js'

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
  const command = new Command('work')
    .description('run workers: they work on every batch that was handed in, until they are stopped')
    .option('-r, --roles <roles>', 'what it does: completion, batch, alert (default: all three)', roles)
    .option(
      '-q, --queue <name>',
      'a queue to serve; may be given more than once (default: all that are set up)',
      (name: string, before: readonly string[] = []) => [...before, queueName(name)],
    )
    .option(
      '-c, --concurrency <n>',
      'calls in flight at most, for each queue (default: what its batches ask for)',
      wholeNumber(1, 1000),
    )
    .option('--until-idle', 'end when no batch is active and nothing waits')
  return addConfigurationOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: WorkFlags) => {
      // Loaded only now: `--help` must be quick.
      const { work } = await import('../work/work.js')
      process.exitCode = await work(flags)
    })
}

function roles(text: string): Role[] {
  return text.split(',').map((word) => {
    const role = ROLES.find((known) => known === word.trim())
    if (role !== undefined) return role
    throw new InvalidArgumentError(`Roles are ${ROLES.join(', ')}, with commas between them.`)
  })
}
