import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, isSameHost, type ProcessIdentity } from '../../process-identity.js'
import { RedisStopFailed } from './errors.js'
import type { ServerHome } from './home.js'
import { ask } from './probe.js'
import { readRecord, removeRecord } from './record.js'

const POLL_MS = 20
/** Time for the last fsync of the AOF on a busy disk. */
const STOP_PATIENCE_MS = 60_000

/**
 * Stops the server and resolves once its process is gone, with its AOF flushed and synced. Nothing happens when none
 * runs. To be called under the lock.
 * @throws RedisStopFailed
 */
export async function stopServer(home: ServerHome): Promise<void> {
  const record = await readRecord(home.record)
  const socketPath = record?.socketPath ?? home.socketPath
  const process = record !== null && isSameHost(record.process) ? record.process : null
  const giveUpAtMs = Date.now() + STOP_PATIENCE_MS
  let problem = 'it does not answer'
  for (;;) {
    // No snapshot: the AOF has everything. A server that obeys closes the connection without a reply.
    const answer = await ask(socketPath, 'SHUTDOWN NOSAVE')
    if (answer.kind === 'absent') break
    if (answer.kind === 'ready') problem = answer.line
    if (Date.now() > giveUpAtMs) throw new RedisStopFailed(problem, home.log)
    await delay(POLL_MS)
  }
  if (process !== null) await terminate(process, home)
  await removeRecord(home.record)
  await rm(socketPath, { force: true })
}

/**
 * Resolves once a server's process is gone; one that is still there after a second is sent SIGTERM, which Redis
 * takes as SHUTDOWN.
 * @throws RedisStopFailed
 */
export async function terminate(server: ProcessIdentity, home: ServerHome): Promise<void> {
  const signalAtMs = Date.now() + 1_000
  const giveUpAtMs = Date.now() + STOP_PATIENCE_MS
  let signalled = false
  while (isAlive(server)) {
    if (!signalled && Date.now() > signalAtMs) signalled = signalToEnd(server.pid)
    if (Date.now() > giveUpAtMs) throw new RedisStopFailed(`process ${server.pid} goes on`, home.log)
    await delay(POLL_MS)
  }
}

function signalToEnd(pid: number): true {
  try {
    return process.kill(pid, 'SIGTERM')
  } catch (error) {
    // ESRCH: it ended just now.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true
    throw error
  }
}
