import { runWorkers } from '../../../workers/main.js'
import { ROLES } from '../../../workers/role.js'
import { runAsProcess } from '../../../workers/worker-process.js'
import { loadConfig } from '../../config.js'
import { createLog } from '../../log.js'
import type { WorkerFlags } from '../commands/worker-options.js'
import { createTeller } from '../work/teller.js'
import { openFace } from './face.js'
import { assertMayListen } from './listen.js'

/** The options of `serve`, as commander hands them over. */
export interface ServeFlags extends WorkerFlags {
  readonly host: string
  readonly port: number
}

/**
 * `conduit-batch serve`: what `work` does, with a page to look at. Its URL goes to stdout when the workers work.
 *
 * @returns the exit code
 * @throws every error that has a message for the user
 */
export async function serve(flags: ServeFlags): Promise<0> {
  const { host, port } = flags
  const config = loadConfig(undefined, flags)
  const queues = flags.queue ?? config.queues
  assertMayListen(host, config.token)
  for (const queue of queues) config.assertQueue(queue)
  const isTerminal = process.stderr.isTTY === true
  const log = createLog(config.logLevel ?? (isTerminal ? 'silent' : 'info'))
  const tell = isTerminal ? createTeller(process.stderr) : () => {}

  return runAsProcess(async (signals) => {
    const face = await openFace({ config, queues, host, port, log })
    const working = runWorkers({
      config,
      queues,
      roles: new Set(flags.roles ?? ROLES),
      concurrency: flags.concurrency ?? null,
      untilIdle: false,
      log,
      onEvent(event) {
        face.follow(event)
        if (event.kind === 'started') process.stdout.write(`${face.url}\n`)
        tell(event)
      },
      ...signals,
    })
    const end = await working.catch(async (error: unknown) => {
      await face.close()
      throw error
    })
    // What did not come to its end in time is not waited for here either.
    if (end === 'in_order') await face.close()
    return end
  })
}
