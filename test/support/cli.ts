import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, inject, vi } from 'vitest'
import { isAlive, type ProcessIdentity, parseProcess } from '../../src/process-identity.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { eventually } from './eventually.js'
import { putAwayAfterAll } from './put-away.js'
import { uniquePrefix } from './redis.js'

const BIN = fileURLToPath(new URL('../../bin/conduit-batch.js', import.meta.url))
const DIST = fileURLToPath(new URL('../../dist', import.meta.url))

/** A process that takes longer hangs: it is killed, and what it wrote is in the failure of the test. */
const DEADLINE_MS = 110_000
vi.setConfig({ testTimeout: 120_000 })

declare module 'vitest' {
  interface Matchers<T> {
    /** Checks the exit code of a `CliEnd`; a failure shows what the process wrote on stderr. */
    toExitWith(code: number): T
  }
}

expect.extend({
  toExitWith({ code, signal, stderr }: CliEnd, expected: number) {
    const message = () => `exit ${code ?? signal}, not ${expected}; stderr:\n${stderr}`
    return { pass: code === expected, message }
  },
})

/** Variables of the environment; undefined takes one away. */
export type Settings = Readonly<Record<string, string | undefined>>

/** How a process of the command line ended. */
export interface CliEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A real `conduit-batch` process. */
export interface CliProcess {
  readonly running: boolean
  /** What it wrote so far. */
  readonly stdout: string
  readonly stderr: string
  readonly ended: Promise<CliEnd>
  /** Waits for a condition; throws, with what it wrote, when the process ends first. */
  until(what: string, condition: () => boolean | Promise<boolean>): Promise<void>
  /** Sends a signal to its process group, as a terminal does on Ctrl-C. */
  signal(name: NodeJS.Signals): void
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>
}

export interface StartOptions {
  readonly env?: Settings
  /** What it reads on stdin; without it stdin is empty. */
  readonly stdin?: string | Buffer
  /** Another script than the command line's, below dist/. */
  readonly script?: string
}

/** A directory where somebody works with conduit-batch, with settings of its own. */
export interface Workplace {
  readonly directory: string
  /** `.conduit-batch` in it, where the processes keep their things. */
  readonly dataDir: string
  /** The environment of its processes. */
  readonly settings: Settings
  path(name: string): string
  /** Writes a file of the directory and gives its path. */
  write(name: string, content: string | Buffer): Promise<string>
  start(args: readonly string[], options?: StartOptions): CliProcess
  run(args: readonly string[], options?: StartOptions): Promise<CliEnd>
}

const running = new Set<CliProcess>()
const workplaces = new Set<Workplace>()
const simulators = new Set<Simulator>()

/** Retries come soon, so that a test need not wait for them. */
export const QUICK = ['--backoff-base', '0.05', '--backoff-cap', '0.5'] as const

/** A simulated Conduit in this process, closed when the file is done. */
export async function simulate(options: Parameters<typeof startSimulator>[0] = {}): Promise<Simulator> {
  const simulator = await startSimulator(options)
  simulators.add(simulator)
  return simulator
}

/** The settings that lead to a simulator, with a key that it takes. */
export function settingsFor({ baseUrl, billingUrl }: Pick<Simulator, 'baseUrl' | 'billingUrl'>): Settings {
  return { CONDUIT_API_KEY: 'sk-simulator', CONDUIT_BASE_URL: baseUrl, CONDUIT_BILLING_URL: billingUrl }
}

/**
 * A new directory. Its processes get PATH, HOME and `settings`, nothing else of the tester's environment, and use the
 * Redis of the test run under a key prefix of their own (`REDIS_URL: undefined` gives them a private one).
 */
export async function createWorkplace(settings: Settings = {}): Promise<Workplace> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'cb-cli-')))
  const home = join(directory, 'home')
  await mkdir(home)
  const base = { PATH: env.PATH, HOME: home, REDIS_URL: inject('redisUrl') }
  const prefix = { CONDUIT_BATCH_KEY_PREFIX: uniquePrefix() }
  const path = (name: string) => join(directory, name)
  const start = (args: readonly string[], options: StartOptions = {}) =>
    startProcess(args, directory, { ...base, ...prefix, ...settings, ...options.env }, options)
  const workplace: Workplace = {
    directory,
    dataDir: path('.conduit-batch'),
    settings: { ...base, ...prefix, ...settings },
    path,
    async write(name, content) {
      await writeFile(path(name), content)
      return path(name)
    },
    start,
    run: (args, options) => start(args, options).ended,
  }
  workplaces.add(workplace)
  return workplace
}

function startProcess(
  args: readonly string[],
  cwd: string,
  settings: Settings,
  { stdin = '', script }: StartOptions,
): CliProcess {
  // A process group of its own, so that a signal to the group doesn't hit the tests.
  const program = script === undefined ? BIN : join(DIST, script)
  const child = spawn(execPath, [program, ...args], { cwd, env: { ...settings }, detached: true })
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written.stderr += text
  })
  // A command that reads no stdin may be gone before all is written.
  child.stdin.on('error', () => undefined).end(stdin)
  const deadline = setTimeout(() => signal('SIGKILL'), DEADLINE_MS)
  const ended = once(child, 'close').then(([code, signal]) => {
    clearTimeout(deadline)
    running.delete(cli)
    return { code, signal, ...written } as CliEnd
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const signal = (name: NodeJS.Signals) => {
    if (isRunning() && child.pid !== undefined) process.kill(-child.pid, name)
  }
  const said = () =>
    `${[script ?? 'conduit-batch', ...args.slice(0, 1)].join(' ')} ended (${child.exitCode ?? child.signalCode}):\n${written.stderr}`
  const cli: CliProcess = {
    get running() {
      return isRunning()
    },
    get stdout() {
      return written.stdout
    },
    get stderr() {
      return written.stderr
    },
    ended,
    until: (what, condition) =>
      eventually(what, condition, { hopeless: () => (isRunning() ? null : said()) }).catch((error: Error) => {
        throw new Error(`${error.message}\nstderr so far:\n${written.stderr}`)
      }),
    signal,
    async kill() {
      signal('SIGKILL')
      await ended
    },
  }
  running.add(cli)
  return cli
}

/** Which process is the private Redis of a workplace; null when none was started, or it was stopped in order. */
export async function privateServerOf({ dataDir }: Workplace): Promise<ProcessIdentity | null> {
  const record = await readFile(join(dataDir, 'redis', 'server.json'), 'utf8').catch(() => null)
  return record === null ? null : parseProcess((JSON.parse(record) as { process: string }).process)
}

// Registered on import, after that of redis.ts: so it runs before the keys are deleted there.
putAwayAfterAll(async () => {
  for (const cli of running) await cli.kill()
  for (const simulator of simulators) await simulator.close()
  for (const workplace of workplaces) {
    const server = await privateServerOf(workplace)
    if (server !== null && isAlive(server)) process.kill(server.pid, 'SIGKILL')
    await rm(workplace.directory, { recursive: true, force: true, maxRetries: 5 })
  }
  simulators.clear()
  workplaces.clear()
})
