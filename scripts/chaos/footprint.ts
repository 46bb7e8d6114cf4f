import { readFileSync } from 'node:fs'

/** What the kernel knows of a process. */
export interface Footprint {
  /** User and system, since it started. */
  readonly cpuSeconds: number
  readonly ageSeconds: number
  readonly residentMebibytes: number
}

/** Linux counts time in hundredths of a second (sysconf _SC_CLK_TCK), memory in pages of 4 KiB. */
const TICKS = 100
const PAGES_A_MEBIBYTE = 256

/** Null when there is no such process, or no /proc. */
export function footprintOf(pid: number | null): Footprint | null {
  if (pid === null) return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // proc(5): fields 14 and 15 are the CPU times, 22 the start since boot, 24 the resident pages.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const field = (number: number) => Number(fields[number - 3])
    const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
    return {
      cpuSeconds: (field(14) + field(15)) / TICKS,
      ageSeconds: upSeconds - field(22) / TICKS,
      residentMebibytes: field(24) / PAGES_A_MEBIBYTE,
    }
  } catch {
    return null
  }
}
