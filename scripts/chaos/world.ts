import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { connectRedis } from '../../src/redis/connect.js'
import { type QueueKeys, queueKeys } from '../../src/redis/keys.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type ChaosInput, makeInput } from './input.js'
import { type Link, startLink } from './link.js'
import { BIN } from './places.js'
import { type Receiver, startReceiver } from './receiver.js'
import { type ChaosRedis, type Fsync, startChaosRedis } from './redis.js'
import { createSlot, type Slot } from './slot.js'
import { mountSmallDisk, type SmallDisk, smallDiskLacks } from './small-disk.js'
import { type Post, postsOf, type Topology } from './topology.js'

export interface WorldOptions {
  readonly seed: number
  readonly topology: Topology
  readonly fsync: Fsync
  readonly requests: number
  /** Calls in flight at most, in each process. */
  readonly concurrency: number
  readonly latencyMs: { readonly min: number; readonly max: number }
  /** Mebibytes of the disk with data and output; null: the usual disk, which nobody fills. */
  readonly diskMebibytes: number | null
  /** Hears what is left out on this machine, and why. */
  readonly say: (line: string) => void
}

/** A process with its link to Redis. */
export interface Manned extends Post {
  readonly slot: Slot
  readonly link: Link
}

/** How a command of `conduit-batch` ended. */
export interface CommandEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** All that one batch of the chaos suite runs in, to itself. */
export interface World {
  readonly options: WorldOptions
  readonly directory: string
  readonly input: ChaosInput
  readonly outputs: { readonly results: string; readonly errors: string; readonly place: string }
  readonly redis: ChaosRedis
  /** A connection that no link is in the way of. */
  readonly admin: Redis
  readonly keys: QueueKeys
  readonly posts: readonly Manned[]
  readonly simulator: Simulator
  readonly receiver: Receiver
  readonly disk: SmallDisk | null
  /** Runs a command of `conduit-batch` beside them, straight to Redis. */
  command(...args: readonly string[]): Promise<CommandEnd>
  /** Ends everything at once; `keep` leaves the logs and files where they are. */
  clear(keep?: boolean): Promise<void>
}

const FAULTS = [{ fault: 'INTERNAL_SERVER_ERROR', probability: 0.03 } as const]

/** Makes a world whose batch nobody works on yet. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const { seed, topology, fsync, concurrency, latencyMs, say } = options
  const directory = await mkdtemp(join(tmpdir(), 'cb-chaos-'))
  for (const name of ['home', 'logs']) await mkdir(join(directory, name))
  const place = join(directory, 'place')
  const disk = await diskAt(place, options)
  const redis = await startChaosRedis(join(directory, 'redis'), fsync)
  const admin = await connectRedis({ url: redis.url }, 'client')
  const simulator = await startSimulator({ seed, latencyMs, faults: FAULTS })
  const receiver = await startReceiver()
  const input = makeInput(seed, options.requests)
  await writeFile(join(place, 'in.jsonl'), input.text)

  const env = (redisUrl: string): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    HOME: join(directory, 'home'),
    REDIS_URL: redisUrl,
    CONDUIT_API_KEY: 'sk-simulator',
    CONDUIT_BASE_URL: simulator.baseUrl,
    CONDUIT_BILLING_URL: simulator.billingUrl,
    CONDUIT_BATCH_ALERT_WEBHOOK: receiver.url,
    CONDUIT_BATCH_LOG_LEVEL: 'info',
  })
  const namespaces = topology === 'run' || mayUnshare()
  if (!namespaces) say('Left out: a worker on another machine (no pid namespace can be made here).')
  const posts: Manned[] = []
  for (const post of postsOf(topology, batchFlags(concurrency))) {
    const link = await startLink(redis.port)
    const slot = createSlot({
      ...post,
      far: post.far && namespaces,
      cwd: place,
      env: env(link.url),
      logPath: join(directory, 'logs', `${post.name}.log`),
      isDone: (code) => post.ends && (code === 0 || code === 2),
    })
    posts.push({ ...post, slot, link })
  }
  const world: World = {
    options,
    directory,
    input,
    outputs: { results: join(place, 'in.results.jsonl'), errors: join(place, 'in.errors.jsonl'), place },
    redis,
    admin,
    keys: queueKeys('cb', 'default'),
    posts,
    simulator,
    receiver,
    disk,
    command: (...args) => runCommand(args, place, { ...env(redis.url), CONDUIT_BATCH_LOG_LEVEL: 'warn' }),
    async clear(keep = false) {
      await Promise.all(posts.map(({ slot }) => slot.end('SIGKILL')))
      for (const { link } of posts) link.close()
      admin.disconnect()
      await redis.end('SIGKILL')
      receiver.close()
      await simulator.close()
      if (keep) return
      disk?.remove()
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return world
}

/** The options of `run` and `submit` that the batch is made with: retries come soon. */
export function batchFlags(concurrency: number): string[] {
  return ['--concurrency', String(concurrency), '--backoff-base', '0.05', '--backoff-cap', '0.5']
}

async function diskAt(path: string, { diskMebibytes, say }: WorldOptions): Promise<SmallDisk | null> {
  if (diskMebibytes !== null) {
    const lacks = smallDiskLacks()
    if (lacks === null) return mountSmallDisk(path, diskMebibytes)
    say(`Left out: the full disk (${lacks}).`)
  }
  await mkdir(path)
  return null
}

function mayUnshare(): boolean {
  return spawnSync('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', 'true']).status === 0
}

async function runCommand(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<CommandEnd> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
