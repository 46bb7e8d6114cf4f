import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, type ProcessIdentity } from '../../process-identity.js'
import type { ServerHome } from './home.js'
import { ask } from './probe.js'
import { readRecord } from './record.js'
import { terminate } from './stop.js'

/** A server that runs, or is loading its data. */
export interface RunningServer {
  /** Null when it is known by its socket only: the record was lost. */
  readonly process: ProcessIdentity | null
  readonly socketPath: string
}

const POLL_MS = 20
/** A server has its socket some 10 ms after its start, before it loads anything. */
const BOOT_PATIENCE_MS = 3_000

/**
 * Finds the server of a data directory, left by a client that was killed, say. Null means that none runs, and that
 * one may be started: two on the same AOF would destroy it. To be called under the lock.
 */
export async function findServer(home: ServerHome): Promise<RunningServer | null> {
  const record = await readRecord(home.record)
  const server = record ?? { process: null, socketPath: home.socketPath }
  const giveUpAtMs = Date.now() + BOOT_PATIENCE_MS
  while ((await ask(server.socketPath, 'PING')).kind === 'absent') {
    if (server.process === null || !isAlive(server.process)) return null
    if (Date.now() > giveUpAtMs) {
      // It runs without its socket: somebody deleted the file. It can't be used, nor be left beside a new one.
      await terminate(server.process, home)
      return null
    }
    await delay(POLL_MS)
  }
  return server
}
