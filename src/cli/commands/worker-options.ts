import { type Command, InvalidArgumentError } from 'commander'
import { ROLES, type Role } from '../../../workers/role.js'
import {
  addConfigurationOptions,
  addPaceOption,
  addResumeOptions,
  type ConfigurationFlags,
  type PaceFlags,
  type ResumeFlags,
} from '../common-options.js'
import { queueName, wholeNumber } from '../option-values.js'

/** The options of every command that runs workers. */
export interface WorkerFlags extends ConfigurationFlags, PaceFlags, ResumeFlags {
  readonly roles?: readonly Role[]
  readonly queue?: readonly string[]
  readonly concurrency?: number
}

/** Adds `--roles`, `--queue`, `--concurrency`, `--rpm`, `--balance-poll`, `--no-auto-resume`, `--config` and `--data-dir`: the same words on every such command. */
export function addWorkerOptions(command: Command): Command {
  command
    .option('-r, --roles <roles>', 'what it does: completion, batch, alert (default: all three)', roles)
    .option(
      '-q, --queue <name>',
      'a queue to serve; may be given more than once (default: all that are set up)',
      (name: string, before: readonly string[] = []) => [...before, queueName(name)],
    )
    .option(
      '-c, --concurrency <n>',
      'calls in flight at most, for each queue; fewer when more bring no more answers (default: what its batches ask for)',
      wholeNumber(1, 1000),
    )
  return addConfigurationOptions(addResumeOptions(addPaceOption(command)))
}

function roles(text: string): Role[] {
  return text.split(',').map((word) => {
    const role = ROLES.find((known) => known === word.trim())
    if (role !== undefined) return role
    throw new InvalidArgumentError(`Roles are ${ROLES.join(', ')}, with commas between them.`)
  })
}
