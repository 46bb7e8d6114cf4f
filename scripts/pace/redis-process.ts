import type { ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connectRedis } from '../../src/redis/connect.js'
import { findServerBinary } from '../../src/redis/server/binary.js'
import { freePort } from '../free-port.js'
import { killChild, startChild } from './children.js'

const START_TRIES = 200
const START_WAIT_MS = 50

/** A Redis for one run of one scenario. */
export interface RedisProcess {
  readonly url: string
  readonly process: ChildProcess
  /** What it has used since its start, user and system. */
  cpuSeconds(): Promise<number>
}

/** Starts a Redis as durable as the product's private one, with its files in `directory`. */
export async function startRedis(directory: string): Promise<RedisProcess> {
  const binary = findServerBinary(process.env.PATH)
  if (binary === null) throw new Error('no redis-server or valkey-server on PATH')
  await mkdir(directory)
  const port = await freePort()
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '']
  const rest = ['--maxmemory-policy', 'noeviction', '--logfile', join(directory, 'redis.log')]
  const server = startChild(binary, [...place, ...durable, ...rest], { stdio: 'ignore' })
  const url = `redis://127.0.0.1:${port}/0`
  for (let tries = 0; tries < START_TRIES; tries += 1) {
    if (await cpuSeconds(url).then(Number.isFinite, () => false))
      return { url, process: server, cpuSeconds: () => cpuSeconds(url) }
    await new Promise((resolve) => setTimeout(resolve, START_WAIT_MS))
  }
  await killChild(server)
  throw new Error(`${binary} does not answer on port ${port}`)
}

async function cpuSeconds(url: string): Promise<number> {
  const redis = await connectRedis({ url }, 'client')
  try {
    const info = await redis.info('cpu')
    const used = (name: string) => Number(new RegExp(`used_cpu_${name}:([\\d.]+)`).exec(info)?.[1])
    return used('user') + used('sys')
  } finally {
    redis.disconnect()
  }
}
