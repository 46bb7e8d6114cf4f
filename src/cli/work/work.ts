import { ROLES } from '../../../workers/role.js'
import { runWorkerProcess } from '../../../workers/worker-process.js'
import { loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import type { WorkerFlags } from '../commands/worker-options.js'
import { createTeller } from './teller.js'

/** The options of `work`, as commander hands them over. */
export interface WorkFlags extends WorkerFlags {
  readonly untilIdle?: true
}

/**
 * `conduit-batch work`: workers until somebody stops them. A terminal is told in words, anything else gets the log.
 *
 * @returns the exit code
 * @throws every error that has a message for the user
 */
export async function work(flags: WorkFlags): Promise<0> {
  const config = loadConfig(undefined, flags)
  const isTerminal = process.stderr.isTTY === true
  return runWorkerProcess({
    config,
    queues: flags.queue ?? config.queues,
    roles: new Set(flags.roles ?? ROLES),
    concurrency: flags.concurrency ?? null,
    untilIdle: flags.untilIdle === true,
    log: createLog(config.logLevel ?? (isTerminal ? 'silent' : 'info')),
    onEvent: isTerminal ? createTeller(process.stderr) : () => {},
  })
}
