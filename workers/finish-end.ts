import type { Logger } from 'pino'
import type { DataDirectory } from '../src/batches/data-directory.js'
import { createDirectoryLease } from '../src/batches/lease.js'
import { readBatchSnapshot } from '../src/batches/read-snapshot.js'
import type { Session } from '../src/batches/session.js'
import type { BatchSnapshot } from '../src/batches/snapshot.js'
import { isOver } from '../src/batches/states.js'
import { createFleet } from '../src/completions/fleet.js'
import { inFlightOf } from '../src/completions/in-flight.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { releaseDead } from './completion-role.js'
import { startRoles } from './roles.js'

export interface FinishEndOptions {
  readonly directory: DataDirectory
  readonly log: Logger
  /** Told again and again where the batch stands, with its calls in flight. */
  readonly onLook: (batch: BatchSnapshot, inFlight: number) => void
  readonly onTrouble: (text: string) => void
  /** Asked before each look: then it is left as it is, for the next who serves the directory. */
  readonly isInterrupted: () => boolean
}

const LOOK_MS = 50

/**
 * Brings a batch that is being ended early to its end, where nobody else serves its data directory: waits for calls
 * in flight anywhere, gives back jobs of dead workers, and has the batch role do the rest.
 * @returns `served`: somebody else does it, and nothing was done here
 */
export async function finishEnd(
  batch: string,
  session: Session,
  { directory, log, onLook, onTrouble, isInterrupted }: FinishEndOptions,
): Promise<'over' | 'interrupted' | 'served'> {
  const { redis, keys, completions } = session
  const self = formatProcess(currentProcess())
  const lease = createDirectoryLease(redis, keys, directory.id, self)
  if (!(await lease.hold())) return 'served'
  const role = { directory, lease }
  const roles = await startRoles({ session, completion: null, batch: role, alert: null, log, onTrouble })
  const fleet = createFleet(redis, keys, completions, self)
  try {
    for (;;) {
      const seen = await readBatchSnapshot(session, batch)
      if (seen === null || isOver(seen.state)) return 'over'
      if (isInterrupted()) return 'interrupted'
      await releaseDead(session, fleet, log)
      onLook(seen, await inFlightOf(batch, completions))
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  } finally {
    await roles.close(0)
  }
}
