import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** A place for one process at a time, which is started again when it ends, as a process manager does it. */
export interface Slot {
  readonly name: string
  /** Whether it makes calls, so that its end may cost some. */
  readonly calls: boolean
  /** Whether it is on another machine, as far as the others can tell: in a pid namespace of its own. */
  readonly far: boolean
  readonly running: boolean
  /** Of the process itself; null when none runs. */
  readonly pid: number | null
  /** Ends that nobody asked for. */
  readonly surprises: readonly string[]
  start(): void
  signal(name: NodeJS.Signals): void
  /** Sends it, waits for the end, and does not start it again by itself. Resolves with how it ended. */
  end(name: NodeJS.Signals): Promise<string>
  /** What it wrote, all processes of the slot one after the other. */
  log(): string
}

export interface SlotOptions {
  readonly name: string
  readonly calls: boolean
  readonly far?: boolean
  /** What node runs, and its arguments. */
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly logPath: string
  /** Whether it has done its work when it ends with this code; then it is not started again. */
  readonly isDone: (code: number | null) => boolean
}

const AGAIN_MS = 700
/** Put into namespaces of its own; it dies with us. */
const ELSEWHERE = ['--pid', '--fork', '--mount-proc', '--kill-child', '--']

/** Starts nothing yet. */
export function createSlot(options: SlotOptions): Slot {
  const { name, calls, far = false, command, cwd, env, logPath, isDone } = options
  let child: ChildProcess | null = null
  let wanted = false
  const surprises: string[] = []

  const isUp = () => child !== null && child.exitCode === null && child.signalCode === null
  function pid(): number | null {
    if (!isUp() || child?.pid === undefined) return null
    return far ? innerPid(child.pid) : child.pid
  }

  function start(): void {
    if (isUp()) return
    wanted = true
    const log = openSync(logPath, 'a')
    const line = far
      ? ['unshare', ...ELSEWHERE, process.execPath, ...command]
      : [process.execPath, ...command]
    const started = spawn(line[0] as string, line.slice(1), {
      cwd,
      env,
      stdio: ['ignore', log, log],
      detached: true,
    })
    closeSync(log)
    child = started
    started.once('exit', (code, signal) => {
      if (!wanted || child !== started) return
      if (isDone(code)) {
        wanted = false
        return
      }
      surprises.push(`${name} ended by itself (${code ?? signal}): ${lastLine(logPath)}`)
      setTimeout(() => wanted && start(), AGAIN_MS)
    })
  }

  function signal(which: NodeJS.Signals): void {
    const target = pid()
    if (target === null) return
    try {
      process.kill(target, which)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  return {
    name,
    calls,
    far,
    surprises,
    get running() {
      return isUp()
    },
    get pid() {
      return pid()
    },
    start,
    signal,
    async end(which) {
      wanted = false
      if (child === null) return 'never started'
      if (isUp()) {
        const exited = once(child, 'exit')
        signal(which)
        await exited
      }
      return String(child.exitCode ?? child.signalCode)
    },
    log: () => read(logPath),
  }
}

/** The process that `unshare` has started; null when there is none yet. */
function innerPid(outer: number): number | null {
  const children = read(`/proc/${outer}/task/${outer}/children`).trim()
  return children === '' ? null : Number(children.split(' ')[0])
}

function lastLine(path: string): string {
  return read(path).trimEnd().split('\n').at(-1) ?? ''
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
