import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Names one run of one process: a recycled pid has another start, a container's pid 7 another host. */
export interface ProcessIdentity {
  /** Eight hex digits for the boot and the pid namespace (Linux), else for the host name. */
  readonly host: string
  readonly pid: number
  /** When it started: clock ticks since boot (Linux), else Unix seconds; compared for equality only. */
  readonly startedAt: string
}

const FORM = /^([0-9a-f]{8})-([1-9]\d*)-(\d+)$/

let thisHost: string | undefined

/** Gives the identity of this process. */
export function currentProcess(): ProcessIdentity {
  const identity = processWithPid(process.pid)
  if (identity === null) throw new Error('this process can not be found in the process table')
  return identity
}

/** Gives the identity of the process that has this pid now, or null when none that still runs has it. */
export function processWithPid(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
  return startedAt === null ? null : { host: currentHost(), pid, startedAt }
}

/** Whether a pid of that identity means the same process here: same machine, same boot, same container. */
export function isSameHost(identity: ProcessIdentity): boolean {
  return identity.host === currentHost()
}

/**
 * Whether the process still runs; one that is stopped does, a zombie doesn't. Of another host nothing can be
 * known from here: it counts as not alive, so ask `isSameHost` first where that matters.
 */
export function isAlive(identity: ProcessIdentity): boolean {
  return isSameHost(identity) && processWithPid(identity.pid)?.startedAt === identity.startedAt
}

/** Gives `<host>-<pid>-<startedAt>`: only a-z, 0-9 and "-", fit for a file name and a key. */
export function formatProcess({ host, pid, startedAt }: ProcessIdentity): string {
  return `${host}-${pid}-${startedAt}`
}

/** Reads what `formatProcess` wrote; null for anything else. */
export function parseProcess(text: string): ProcessIdentity | null {
  const [, host, pid, startedAt] = FORM.exec(text) ?? []
  if (host === undefined || pid === undefined || startedAt === undefined) return null
  return { host, pid: Number(pid), startedAt }
}

function currentHost(): string {
  thisHost ??= createHash('sha256').update(hostSource()).digest('hex').slice(0, 8)
  return thisHost
}

function hostSource(): string {
  if (process.platform !== 'linux') return hostname()
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') + readlinkSync('/proc/self/ns/pid')
}

/** proc(5): field 3 is the state, field 22 the start; field 2, the name, is in parentheses and may hold anything. */
function startFromProc(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`)
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startedAt] = [fields[0], fields[19]]
  return state === undefined || 'ZX'.includes(state) || startedAt === undefined ? null : startedAt
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // ESRCH: it ended between the opening and the reading.
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code)))
      return null
    throw error
  }
}

function startFromPs(pid: number): string | null {
  // The environment is set because `lstart` is written in the locale and time zone of whoever asks.
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
  })
  const [, state, start] = /^\s*(\S+)\s+(.+?)\s*$/m.exec(stdout ?? '') ?? []
  if (state === undefined || start === undefined || state.startsWith('Z')) return null
  const startedAtMs = Date.parse(`${start} UTC`)
  return Number.isNaN(startedAtMs) ? null : String(startedAtMs / 1000)
}
