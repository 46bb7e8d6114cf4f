import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SimulatorOptions } from '../../src/simulator/options.js'
import { type Answers, answersTo } from './answers.js'
import { killChild } from './children.js'
import { type Command, conduitBatch } from './command.js'
import { type Observed, observed, witnessOptions } from './observed.js'
import { type RedisProcess, startRedis } from './redis-process.js'
import { type SimulatorProcess, startSimulatorProcess } from './simulator.js'

/** What one run of one scenario has to itself: a directory, a Redis, simulators, and `conduit-batch`. */
export interface Place {
  readonly directory: string
  readonly redis: RedisProcess
  simulate(options: Partial<SimulatorOptions>): Promise<SimulatorProcess>
  /** Writes an input of so many prompts, all different, also from those of other names; gives its path. */
  input(name: string, prompts: number): Promise<string>
  /** Starts `conduit-batch` against an upstream. */
  start(upstream: Upstream, ...args: readonly string[]): Command
  answersTo(input: string): Promise<Answers>
  observed(): Promise<Observed>
  /** What the simulators have seen so far, for a run that does not end. */
  seen(): Promise<string>
  /** Kills what still runs here and removes the directory. */
  clear(): Promise<void>
}

export type Upstream = Pick<SimulatorProcess, 'baseUrl' | 'billingUrl'>

const directories = new Set<string>()

/** Makes a place, with a running Redis. */
export async function createPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'cb-pace-'))
  directories.add(directory)
  const witnesses = join(directory, 'witnesses')
  const redis = await startRedis(join(directory, 'redis'))
  await mkdir(join(directory, 'home'))
  const started = [redis.process]
  const simulators: SimulatorProcess[] = []
  return {
    directory,
    redis,
    async simulate(options) {
      const simulator = await startSimulatorProcess(options)
      started.push(simulator.process)
      simulators.push(simulator)
      return simulator
    },
    async input(name, prompts) {
      const path = join(directory, `${name}.jsonl`)
      await writeFile(path, Array.from({ length: prompts }, (_, index) => line(name, index)).join(''))
      return path
    },
    start(upstream, ...args) {
      const env = settings(directory, redis, upstream, witnessOptions(witnesses))
      const command = conduitBatch(args, directory, env)
      started.push(command.process)
      return command
    },
    answersTo,
    observed: () => observed(witnesses),
    async seen() {
      const all = await Promise.all(simulators.map((simulator) => simulator.stats()))
      return all
        .map(({ calls, byStatus }) => `${calls} calls, by status ${JSON.stringify(byStatus)}`)
        .join('; ')
    },
    async clear() {
      for (const child of started) await killChild(child)
      await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      directories.delete(directory)
    },
  }
}

/** Removes the directories of all places at once, for an end in a hurry. */
export function removeDirectories(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
}

function line(name: string, index: number): string {
  const content = `${name}: tell me about number ${index}.`
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }
  return `${JSON.stringify({ custom_id: `${name}-${index}`, ...body })}\n`
}

/** Nothing of the environment but PATH: no setting of whoever starts the bench can change a figure. */
function settings(
  directory: string,
  redis: RedisProcess,
  { baseUrl, billingUrl }: Upstream,
  nodeOptions: string,
): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: join(directory, 'home'),
    REDIS_URL: redis.url,
    CONDUIT_API_KEY: 'sk-simulator',
    CONDUIT_BASE_URL: baseUrl,
    CONDUIT_BILLING_URL: billingUrl,
    CONDUIT_BATCH_DATA_DIR: join(directory, 'data'),
    NODE_OPTIONS: nodeOptions,
  }
}
