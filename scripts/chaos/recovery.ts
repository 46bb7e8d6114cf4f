import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Slot } from './slot.js'
import type { World } from './world.js'

const LOOK_MS = 50
const BULL_WORKER = 'pb'

/** What became of the jobs that a killed process held. */
export interface Recovery {
  readonly held: number
  /** From the kill until each of them ran again or was found to be done; those that never did are missing. */
  readonly afterMs: readonly number[]
}

/**
 * The name by which the others know the process of a slot: as src/process-identity.ts makes it, but told from outside,
 * since a process on another machine has another pid there. Null when none runs.
 */
export function workerName({ pid, far }: Slot): string | null {
  if (pid === null) return null
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  const host = createHash('sha256')
    .update(boot + namespace)
    .digest('hex')
    .slice(0, 8)
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return `${host}-${far ? 1 : pid}-${startedAt}`
}

/** Follows the jobs that a worker holds, which was killed just now, until all of them run again. */
export async function followJobs(world: World, worker: string, mostMs: number): Promise<Recovery> {
  const killedAt = performance.now()
  const { admin, keys } = world
  const active = await admin.lrange(`${keys.tag}:completions:active`, 0, -1)
  const holders = await workersOf(world, active)
  let open = active.filter((_, index) => holders[index] === worker)
  const held = open.length
  const afterMs: number[] = []
  while (open.length > 0 && performance.now() - killedAt < mostMs) {
    const now = await workersOf(world, open)
    const stillIts = open.filter((_, index) => now[index] === worker)
    for (let back = open.length - stillIts.length; back > 0; back--)
      afterMs.push(performance.now() - killedAt)
    open = stillIts
    await sleep(LOOK_MS)
  }
  return { held, afterMs }
}

/** Which worker has each job, or had it last; null for a job that is done. */
async function workersOf({ admin, keys }: World, jobs: readonly string[]): Promise<(string | null)[]> {
  return Promise.all(jobs.map((id) => admin.hget(`${keys.tag}:completions:${id}`, BULL_WORKER)))
}
