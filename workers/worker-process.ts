import { INTERRUPTED, listenForInterruptions } from './interruptions.js'
import { type RunWorkersOptions, runWorkers, type WorkersEnd } from './main.js'

/** `stop`: come to an end in order; `stopNow`: put away what is there. */
export type StopSignals = Pick<RunWorkersOptions, 'stop' | 'stopNow'>

/**
 * Does the work of this process: SIGTERM, SIGINT and SIGHUP stop it in order, a second one at once.
 * @returns the exit code, 0, when everything was put away; a process that can't put it away ends here with 130
 * @throws what `work` throws
 */
export async function runAsProcess(work: (signals: StopSignals) => Promise<WorkersEnd>): Promise<0> {
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  try {
    const end = await work({ stop: interruptions.first, stopNow: interruptions.second })
    // Commands that wait for a Redis that is away would keep the process here.
    if (end === 'left') process.exit(INTERRUPTED)
    return 0
  } finally {
    interruptions.close()
  }
}

/** Runs workers as the work of this process. */
export function runWorkerProcess(options: Omit<RunWorkersOptions, keyof StopSignals>): Promise<0> {
  return runAsProcess((signals) => runWorkers({ ...options, ...signals }))
}
