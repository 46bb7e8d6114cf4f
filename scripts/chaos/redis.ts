import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findServerBinary } from '../../src/redis/server/binary.js'
import { freePort } from '../free-port.js'

/** When a Redis writes its AOF to the disk. */
export type Fsync = 'everysec' | 'always'

/** A Redis to be killed, frozen and started again; what AOF holds stays. */
export interface ChaosRedis {
  readonly port: number
  readonly url: string
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  restart(): Promise<void>
  freeze(): void
  thaw(): void
}

const LOOK_MS = 30

/** Starts one with AOF; its files are in `directory`. */
export async function startChaosRedis(directory: string, fsync: Fsync): Promise<ChaosRedis> {
  const binary = findServerBinary(process.env.PATH)
  if (binary === null) throw new Error('no redis-server or valkey-server on PATH')
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const durable = [
    '--appendonly',
    'yes',
    '--appendfsync',
    fsync,
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ]
  const log = ['--logfile', join(directory, 'redis.log')]
  let server: ChildProcess
  const launch = async (): Promise<void> => {
    server = spawn(binary, [...place, ...durable, ...log], { stdio: 'ignore', detached: true })
    while (!(await accepts(port))) {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`Redis did not start: ${log[1]}`)
    }
  }
  await launch()
  return {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    async end(signal) {
      if (server.exitCode !== null || server.signalCode !== null) return
      const exited = once(server, 'exit')
      server.kill(signal)
      await exited
    },
    restart: launch,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
  }
}

/** Resolves to false after a short wait, so that a loop over it is a poll. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => setTimeout(resolve, LOOK_MS, false))
  })
}
