import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'
import type { QueueKeys } from '../redis/keys.js'

/** A heartbeat older than this was missed. */
const LATE_MS = 6000
/** A worker on another machine is dead when it was seen late this often in a row, by one to whom Redis answers. */
const SEEN_LATE = 3

/** The processes that serve a queue: who lives, and whose jobs must be given back. */
export interface Fleet {
  beat(): Promise<void>
  leave(): Promise<void>
  /** Gives the jobs of dead workers back at once, no attempt used; tells how many. */
  releaseDead(): Promise<number>
  /** Workers whose heartbeat is fresh. */
  alive(): Promise<string[]>
}

/** @param name this worker, as `formatProcess` writes it; BullMQ stores it in each job it runs */
export function createFleet(redis: Redis, keys: QueueKeys, queue: Queue, name: string): Fleet {
  const late = new Map<string, number>()

  async function nowMs(): Promise<number> {
    const [seconds, micros] = await redis.time()
    return Number(seconds) * 1000 + Number(micros) / 1000
  }

  async function ages(): Promise<Map<string, number>> {
    const now = await nowMs()
    const raw = await redis.zrange(keys.workers, '0', '-1', 'WITHSCORES')
    const found = new Map<string, number>()
    for (let i = 0; i < raw.length; i += 2) found.set(raw[i] as string, now - Number(raw[i + 1]))
    return found
  }

  function isDead(worker: string, ageMs: number): boolean {
    const identity = parseProcess(worker)
    // On this machine the process table knows better than any heartbeat.
    if (identity !== null && isSameHost(identity)) return !isAlive(identity)
    const times = ageMs > LATE_MS ? (late.get(worker) ?? 0) + 1 : 0
    late.set(worker, times)
    return times >= SEEN_LATE
  }

  return {
    async beat() {
      await redis.zadd(keys.workers, await nowMs(), name)
    },
    async leave() {
      await redis.zrem(keys.workers, name)
    },
    async releaseDead() {
      const dead = new Set<string>()
      for (const [worker, age] of await ages()) {
        if (worker !== name && isDead(worker, age)) dead.add(worker)
      }
      if (dead.size === 0) return 0
      let released = 0
      for (const job of await queue.getActive()) {
        if (job.id === undefined || !dead.has(job.processedBy ?? '')) continue
        const token = await redis.get(queue.toKey(`${job.id}:lock`))
        // Without a lock BullMQ's own check takes it back.
        if (token === null) continue
        if (await giveBack(job, token)) released++
      }
      // If one of them was probing a gate that had just opened, its probe never ends: another may go out.
      await redis.hset(keys.gate, 'probeUntil', 0)
      await redis.zrem(keys.workers, ...dead)
      for (const worker of dead) late.delete(worker)
      return released
    },
    async alive() {
      return [...(await ages())].filter(([, age]) => age <= LATE_MS).map(([worker]) => worker)
    },
  }
}

/** False when it was no longer active: it ended, or somebody else gave it back. */
async function giveBack(job: Job, token: string): Promise<boolean> {
  try {
    await job.moveToWait(token)
    return true
  } catch (error) {
    if (await job.isActive()) throw error
    return false
  }
}
