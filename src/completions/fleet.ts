import { performance } from 'node:perf_hooks'
import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { dropGauges } from '../admission/gauges.js'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { addLook, longLate, NO_LOOKS } from './late-workers.js'
import { wakeWorkers } from './queues.js'
import { type RequestPlace, requestSchema } from './request.js'

/** A heartbeat older than this was missed. */
export const FRESH_HEARTBEAT_MS = 6000

const tokenScript = loadScript(new URL('./release-token.lua', import.meta.url))

/** The processes that serve a queue: who lives, and whose jobs must be given back. */
export interface Fleet {
  beat(): Promise<void>
  leave(): Promise<void>
  /** Gives the jobs of dead workers back at once, no attempt used; tells which: their calls may have been billed. */
  releaseDead(): Promise<readonly RequestPlace[]>
  /**
   * Gives back what BullMQ counts as this worker's and it does not run: a reply that handed out a job was lost with
   * the connection. A job is one only when two looks in a row find it so. Tells how many.
   */
  releaseOrphans(runs: (jobId: string) => boolean): Promise<number>
}

/**
 * @param name this worker, as `formatProcess` writes it; BullMQ stores it in each job it runs
 * @param monotonicMs a clock that nobody sets
 */
export function createFleet(
  redis: Redis,
  keys: QueueKeys,
  queue: Queue,
  name: string,
  monotonicMs: () => number = () => performance.now(),
): Fleet {
  let looks = NO_LOOKS
  let suspects = new Set<string>()

  async function nowMs(): Promise<number> {
    const [seconds, micros] = await redis.time()
    return Number(seconds) * 1000 + Number(micros) / 1000
  }

  async function findDead(): Promise<Set<string>> {
    const freshFrom = (await nowMs()) - FRESH_HEARTBEAT_MS
    const raw = await redis.zrange(keys.workers, '0', '-1', 'WITHSCORES')
    const dead: string[] = []
    const late: string[] = []
    for (let i = 0; i < raw.length; i += 2) {
      const worker = raw[i] as string
      if (worker === name) continue
      const identity = parseProcess(worker)
      // On this machine the process table knows better than any heartbeat.
      if (identity === null || !isSameHost(identity)) {
        if (Number(raw[i + 1]) < freshFrom) late.push(worker)
      } else if (!isAlive(identity)) dead.push(worker)
    }
    looks = addLook(looks, late, monotonicMs())
    return new Set([...dead, ...longLate(looks)])
  }

  /** Null when that worker does not hold the job any more, or nobody does: then BullMQ's own check takes it back. */
  async function tokenOf(worker: string, jobId: string): Promise<string | null> {
    const names = [queue.toKey(jobId), queue.toKey(`${jobId}:lock`)]
    return (await runScript(redis, tokenScript, names, [worker])) as string | null
  }

  /** False when the worker no longer held it: it ended, or somebody else gave it back. */
  async function giveBack(job: Job, jobId: string, worker: string): Promise<boolean> {
    const token = await tokenOf(worker, jobId)
    if (token === null) return false
    try {
      // BullMQ compares the token: a lock that was taken since then stays.
      await job.moveToWait(token)
      return true
    } catch (error) {
      if ((await tokenOf(worker, jobId)) !== null) throw error
      return false
    }
  }

  return {
    async releaseOrphans(runs) {
      const before = suspects
      suspects = new Set()
      let released = 0
      for (const job of await queue.getActive()) {
        const { id, processedBy } = job
        if (id === undefined || processedBy !== name || runs(id)) continue
        if (!before.has(id)) suspects.add(id)
        else if (await giveBack(job, id, name)) released++
      }
      if (released > 0) await wakeWorkers(redis, queue)
      return released
    },
    async beat() {
      await redis.zadd(keys.workers, await nowMs(), name)
    },
    async leave() {
      await dropGauges(redis, keys, [name])
      await redis.zrem(keys.workers, name)
    },
    async releaseDead() {
      const dead = await findDead()
      if (dead.size === 0) return []
      const released: RequestPlace[] = []
      for (const job of await queue.getActive()) {
        const { id, processedBy = '' } = job
        if (id === undefined || !dead.has(processedBy)) continue
        if (await giveBack(job, id, processedBy)) released.push(...placeOf(job))
      }
      if (released.length > 0) await wakeWorkers(redis, queue)
      // If one of them was probing a gate that had just opened, its probe never ends: another may go out.
      await redis.hset(keys.gate, 'probeUntil', 0)
      await dropGauges(redis, keys, [...dead])
      await redis.zrem(keys.workers, ...dead)
      return released
    },
  }
}

/** None for a job that is no request of this version: no call is made for it. */
function placeOf(job: Job): RequestPlace[] {
  const { data } = requestSchema.safeParse(job.data)
  return data === undefined ? [] : [{ batch: data.batch, index: data.index, generation: data.generation }]
}
