import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, processWithPid } from '../../process-identity.js'
import { RedisStartFailed } from './errors.js'
import type { RunningServer } from './find.js'
import type { ServerHome } from './home.js'
import { logTail } from './log-tail.js'
import { ask } from './probe.js'
import { writeRecord } from './record.js'

const POLL_MS = 20
/** A log above this starts anew with the server. */
const LARGEST_LOG_BYTES = 1024 * 1024
const BOOT_PATIENCE_MS = 30_000
const READY_PATIENCE_MS = 60_000

/**
 * Starts a server that outlives this process, and resolves once its socket answers; it may still be loading.
 * To be called under the lock, when `findServer` found none.
 * @throws RedisStartFailed
 */
export async function startServer(
  home: ServerHome,
  binary: string,
  socketPath: string,
): Promise<RunningServer> {
  await rm(socketPath, { force: true })
  const server = await launch(home, binary, socketPath)
  const giveUpAtMs = Date.now() + BOOT_PATIENCE_MS
  while ((await ask(socketPath, 'PING')).kind === 'absent') {
    if (server.process === null || !isAlive(server.process)) throw await failed(home, 'ended at its start')
    if (Date.now() > giveUpAtMs) throw await failed(home, 'did not open its socket')
    await delay(POLL_MS)
  }
  return server
}

/**
 * Resolves once the server takes commands. A large AOF may take minutes to load; as long as it says so, this waits.
 * @throws RedisStartFailed when it ended, or says nothing for a minute
 */
export async function untilReady(home: ServerHome, server: RunningServer): Promise<void> {
  let heardAtMs = Date.now()
  for (;;) {
    const { kind } = await ask(server.socketPath, 'PING')
    if (kind === 'ready') return
    if (kind === 'loading') heardAtMs = Date.now()
    if (kind === 'absent') throw await failed(home, 'ended while it loaded its data')
    if (Date.now() - heardAtMs > READY_PATIENCE_MS) throw await failed(home, 'runs but does not answer')
    await delay(POLL_MS)
  }
}

async function launch(home: ServerHome, binary: string, socketPath: string): Promise<RunningServer> {
  const log = await openLog(home.log)
  try {
    // A session of its own keeps Ctrl-C away from it; an empty environment keeps the API key out of it.
    const options = {
      cwd: home.directory,
      env: {},
      detached: true,
      stdio: ['ignore', log.fd, log.fd] as const,
    }
    const child = spawn(binary, serverArguments(home, socketPath), { ...options, stdio: [...options.stdio] })
    const identity = child.pid === undefined ? null : processWithPid(child.pid)
    if (identity !== null) writeRecord(home.record, { process: identity, socketPath })
    child.unref()
    await once(child, 'spawn')
    return { process: identity, socketPath }
  } catch (error) {
    throw await failed(
      home,
      `could not be run (${binary}: ${error instanceof Error ? error.message : error})`,
    )
  } finally {
    await log.close()
  }
}

/** Everything in the AOF, nothing evicted, no network. */
function serverArguments(home: ServerHome, socketPath: string): string[] {
  const place = [
    '--port',
    '0',
    '--unixsocket',
    socketPath,
    '--unixsocketperm',
    '700',
    '--dir',
    home.directory,
  ]
  const durability = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '']
  return [...place, ...durability, '--maxmemory-policy', 'noeviction', '--daemonize', 'no']
}

async function openLog(path: string): Promise<FileHandle> {
  const log = await open(path, 'a', 0o600)
  const { size } = await log.stat()
  if (size > LARGEST_LOG_BYTES) await log.truncate()
  return log
}

async function failed(home: ServerHome, problem: string): Promise<RedisStartFailed> {
  return new RedisStartFailed(problem, home.log, await logTail(home.log))
}
