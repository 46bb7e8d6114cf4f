import { INTERRUPTED, listenForInterruptions } from './interruptions.js'
import { type RunWorkersOptions, runWorkers, type WorkersEnd } from './main.js'

/** `stop`: come to an end in order; `stopNow`: put away what is there; `onReload`: read the settings again. */
export type StopSignals = Required<Pick<RunWorkersOptions, 'stop' | 'stopNow' | 'onReload'>>

/**
 * Does the work of this process: SIGTERM and SIGINT stop it in order, a second one at once; SIGHUP too on a
 * terminal, and elsewhere the settings are read again.
 * @returns the exit code, 0, when everything was put away; a process that can't put it away ends here with 130
 * @throws what `work` throws
 */
export async function runAsProcess(work: (signals: StopSignals) => Promise<WorkersEnd>): Promise<0> {
  const interruptions = listenForInterruptions(async () => {})
  interruptions.takeOver()
  try {
    const { first: stop, second: stopNow, onReload } = interruptions
    const end = await work({ stop, stopNow, onReload })
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
