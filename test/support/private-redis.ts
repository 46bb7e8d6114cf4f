import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { freePort } from '../../scripts/free-port.js'
import { findServerBinary } from '../../src/redis/server/binary.js'

/** A Redis server of a test's own, to be killed, stopped or filled as the test likes. */
export interface PrivateRedis {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** SIGKILL; what AOF holds stays for `restart`. */
  kill(): Promise<void>
  /** Keeps a copy of what it has written so far, for `restart`. */
  copy(): Promise<void>
  /** The same port and directory again, after `kill`: with what AOF holds, what the last copy holds, or nothing. */
  restart(from?: 'aof' | 'copy' | 'nothing'): Promise<void>
  /** Ends it and removes its directory. */
  stop(): Promise<void>
}

/** The server binary on this machine, or null: then tests that need one say that they are skipped. */
export const serverBinary = findServerBinary(env.PATH)

/** Starts a Redis with AOF and noeviction on a free port of the loopback; `args` are added and win. */
export async function startPrivateRedis(args: readonly string[] = []): Promise<PrivateRedis> {
  // Looked for anew: the global setup may have just installed it.
  const binary = findServerBinary(env.PATH)
  if (binary === null) throw new Error('no redis-server or valkey-server on PATH')
  const directory = await mkdtemp(join(tmpdir(), 'cb-redis-'))
  const [aof, copied] = [join(directory, 'appendonlydir'), join(directory, 'copied')]
  const port = await freePort()
  let server = await launch(binary, directory, port, args)
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    get pid() {
      return server.pid ?? 0
    },
    kill: () => end(server, 'SIGKILL'),
    copy: () => cp(aof, copied, { recursive: true, force: true }),
    async restart(from = 'aof') {
      if (from !== 'aof') await rm(aof, { recursive: true, force: true })
      if (from === 'copy') await cp(copied, aof, { recursive: true })
      server = await launch(binary, directory, port, args)
    },
    async stop() {
      await end(server, 'SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function launch(
  binary: string,
  directory: string,
  port: number,
  args: readonly string[],
): Promise<ChildProcess> {
  const log = join(directory, 'redis.log')
  const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--logfile', log]
  const durable = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction']
  const server = spawn(binary, [...fixed, ...durable, ...args], { stdio: 'ignore' })
  while (!(await accepts(port))) {
    if (server.exitCode === null && server.signalCode === null) continue
    throw new Error(`redis-server did not start:\n${await readFile(log, 'utf8')}`)
  }
  return server
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exited = once(server, 'exit')
  server.kill(signal)
  await exited
}

/** Resolves to false after a short wait, so that a loop over it is a poll. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => setTimeout(resolve, 20, false))
    socket.once('connect', () => socket.destroy())
  })
}
