import { loadConfig } from '../src/config.js'
import { createLog } from '../src/log.js'
import type { Role } from './role.js'
import { runWorkerProcess } from './worker-process.js'

const EXIT_FAILED = 1

function usage(role: Role): string {
  return (
    `Usage: node dist/workers/${role}.js\n` +
    `The ${role} worker of all queues that are set up, until SIGTERM. It takes no options: the environment and ` +
    'conduit-batch.config.json tell it all (docs/configuration.md).'
  )
}

/** One role as a process of its own, for all queues that are set up; told by environment and config file only. */
export async function startEntryPoint(role: Role): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(`${usage(role)}\n`)
    return
  }
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
