import { INTERRUPTED, listenForInterruptions } from './interruptions.js'
import { type RunWorkersOptions, runWorkers } from './main.js'

/**
 * Runs workers as the work of this process: SIGTERM, SIGINT and SIGHUP stop it in order, a second one at once.
 * @returns the exit code, 0, when everything was put away; a process that can't put it away ends here with 130
 * @throws what `runWorkers` throws
 */
export async function runWorkerProcess(options: Omit<RunWorkersOptions, 'stop' | 'stopNow'>): Promise<0> {
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  try {
    const { first: stop, second: stopNow } = interruptions
    const end = await runWorkers({ ...options, stop, stopNow })
    // Commands that wait for a Redis that is away would keep the process here.
    if (end === 'left') process.exit(INTERRUPTED)
    return 0
  } finally {
    interruptions.close()
  }
}
