import type { Logger } from 'pino'
import type { DataDirectory } from '../src/batches/data-directory.js'
import {
  type AtRest,
  filesOf,
  REPLACED_BY_EDIT,
  type RestingBatch,
  SEALED,
} from '../src/batches/inherit/legacy.js'
import { createDirectoryLease, type DirectoryLease, RENEW_MS } from '../src/batches/lease.js'
import type { Manifest } from '../src/batches/manifest.js'
import type { Session } from '../src/batches/session.js'
import { createFleet } from '../src/completions/fleet.js'
import { inFlightOf } from '../src/completions/in-flight.js'
import { currentProcess, formatProcess } from '../src/process-identity.js'
import { releaseDead } from './completion-role.js'
import { type Roles, startRoles } from './roles.js'

export interface AtRestOptions {
  readonly directory: DataDirectory
  /** Opens a queue; closed when the work is done. */
  readonly openSession: (queue: string) => Promise<Session>
  readonly log: Logger
  /** Told again and again what is waited for, in a few words. */
  readonly onWaiting: (text: string) => void
  readonly onTrouble: (text: string) => void
}

const LOOK_MS = 50

/**
 * Brings batches to rest on their queues: ends them, waits for the calls that are out, and gives back the jobs of
 * workers that died. Where nobody collects their answers, this process does meanwhile. Stopped at any moment it leaves
 * batches that were cancelled, no more.
 */
export function createAtRest(options: AtRestOptions): AtRest {
  return async (batches, work) => {
    const sessions = new Map<string, Session>()
    const sessionOf = async (queue: string): Promise<Session> => {
      const session = sessions.get(queue) ?? (await options.openSession(queue))
      sessions.set(queue, session)
      return session
    }
    let succession: Succession | null = null
    try {
      const [newest] = batches
      if (newest !== undefined) succession = await takeTurn(await sessionOf(newest.queue), options)
      const resting: RestingBatch[] = []
      for (const manifest of batches)
        resting.push(await rest(manifest, await sessionOf(manifest.queue), options))
      return await work(resting)
    } finally {
      await succession?.end()
      for (const session of sessions.values()) await session.close()
    }
  }
}

interface Succession {
  end(): Promise<void>
}

/** One succession in a data directory at a time, or of two with the same input each would take over. */
async function takeTurn(
  { redis, keys }: Session,
  { directory, onWaiting }: AtRestOptions,
): Promise<Succession> {
  const turn = createDirectoryLease(redis, keys, `${directory.id}:succession`, thisProcess())
  while (!(await turn.hold())) {
    onWaiting('waiting for another process that takes over answers here')
    await pause()
  }
  const renewal = setInterval(() => void turn.hold().catch(() => false), RENEW_MS)
  return {
    async end() {
      clearInterval(renewal)
      await turn.release()
    },
  }
}

async function rest({ batch }: Manifest, session: Session, options: AtRestOptions): Promise<RestingBatch> {
  const { store, redis, keys } = session
  // A file that was shortened could not be written to: nothing would ever come to rest.
  await filesOf(options.directory.batch(batch).directory, await store.marks(batch))
  await store.end(batch, 'replaced', REPLACED_BY_EDIT)
  // From here on a retry would bring answers that nobody takes over.
  await redis.hset(keys.batch(batch), SEALED, 1)
  await drain(batch, session, options)
  const generations = Object.entries(await redis.hgetall(keys.generations(batch)))
  return {
    batch,
    marks: await store.marks(batch),
    generations: new Map(generations.map(([index, generation]) => [Number(index), Number(generation)])),
  }
}

/** Until all answers of calls that were out are on disk. */
async function drain(batch: string, session: Session, options: AtRestOptions): Promise<void> {
  const { redis, keys, completions } = session
  const fleet = createFleet(redis, keys, completions, thisProcess())
  let roles: Roles | null = null
  try {
    while ((await redis.sismember(keys.drainingBatches, batch)) === 1) {
      roles ??= await startBatchRole(session, options)
      await releaseDead(session, fleet, options.log)
      const inFlight = await inFlightOf(batch, completions)
      options.onWaiting(
        `waiting for ${inFlight} calls in flight of batch ${batch}, which the edited file replaces`,
      )
      await pause()
    }
  } finally {
    await roles?.close(0)
  }
}

/** Collects where nobody else does; else it waits for its turn, which may never come. */
function startBatchRole(session: Session, { directory, log, onTrouble }: AtRestOptions): Promise<Roles> {
  const lease: DirectoryLease = createDirectoryLease(session.redis, session.keys, directory.id, thisProcess())
  return startRoles({ session, completion: null, batch: { directory, lease }, alert: null, log, onTrouble })
}

function thisProcess(): string {
  return formatProcess(currentProcess())
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
