import { loadConfig } from '../src/config.js'
import { createLog } from '../src/log.js'
import type { Role } from './role.js'
import { runWorkerProcess } from './worker-process.js'

const EXIT_FAILED = 1

/** One role as a process of its own, for all queues that are set up; told by environment and config file only. */
export async function startEntryPoint(role: Role): Promise<void> {
  let log = createLog('info')
  try {
    const config = loadConfig()
    log = createLog(config.logLevel ?? 'info')
    process.exitCode = await runWorkerProcess({
      config,
      queues: config.queues,
      roles: new Set([role]),
      concurrency: null,
      untilIdle: false,
      log,
      onEvent: () => {},
    })
  } catch (error) {
    log.fatal({ err: error }, 'worker.failed')
    // Whatever a failed start has left running must not keep it here.
    process.exit(EXIT_FAILED)
  }
}
