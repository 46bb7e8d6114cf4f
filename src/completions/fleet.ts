import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Job, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { dropGauges } from '../admission/gauges.js'
import { isAlive, isSameHost, parseProcess } from '../process-identity.js'
import type { QueueKeys } from '../redis/keys.js'
import { loadScript, runScript } from '../redis/scripts.js'
import { readAttempts } from './attempts.js'
import { addLook, NO_LOOKS, silentWorkers } from './late-workers.js'
import { crashedEnding, MOST_CRASHES, waitAfterCrashMs } from './poison.js'
import { wakeWorkers } from './queues.js'
import { record } from './record.js'
import { type RequestPlace, requestSchema } from './request.js'

/** Who was not heard of for so long is not counted among the workers any more. */
export const FRESH_HEARTBEAT_MS = 6000

/** Time enough to give a job back whose lock had run out. */
const RELEASE_LOCK_MS = 30_000
/** Jobs that are given back at once. */
const AT_ONCE = 50

const beatScript = loadScript(new URL('./beat.lua', import.meta.url))
const tokenScript = loadScript(new URL('./release-token.lua', import.meta.url))

/** A request whose worker died. */
export interface Released extends RequestPlace {
  /** Its call may have been out; otherwise it waited for a permit. */
  readonly called: boolean
  /** In how many crashes it was in flight. */
  readonly crashes: number
  /** Those were too many: it is a dead letter now. */
  readonly ended: boolean
}

/** The processes that serve a queue: who lives, and whose jobs must be given back. */
export interface Fleet {
  beat(): Promise<void>
  leave(): Promise<void>
  /**
   * One look at the others; gives the jobs of dead workers back at once, no attempt used, and ends what was in flight
   * in too many crashes. Tells which: the calls of those that were let out may have been billed.
   */
  releaseDead(): Promise<readonly Released[]>
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
  /** The dead whose jobs are being given back. */
  let dying = new Set<string>()

  async function findDead(): Promise<Set<string>> {
    const askedAtMs = monotonicMs()
    const raw = await redis.zrange(keys.workers, '0', '-1', 'WITHSCORES')
    const dead: string[] = []
    const heartbeats = new Map<string, number>()
    for (let i = 0; i < raw.length; i += 2) {
      const worker = raw[i] as string
      if (worker === name) continue
      const identity = parseProcess(worker)
      // On this machine the process table knows better than any heartbeat.
      if (identity === null || !isSameHost(identity)) heartbeats.set(worker, Number(raw[i + 1]))
      else if (!isAlive(identity)) dead.push(worker)
    }
    looks = addLook(looks, { heartbeats, askedAtMs, answeredAtMs: monotonicMs() })
    return new Set([...dead, ...silentWorkers(looks)])
  }

  /** Null when that worker does not hold the job any more. */
  async function hold(worker: string, jobId: string, crashed: boolean): Promise<Held | null> {
    const names = [queue.toKey(jobId), queue.toKey(`${jobId}:lock`), queue.toKey('active')]
    const args = [worker, jobId, `released:${randomUUID()}`, RELEASE_LOCK_MS, crashed ? 1 : 0]
    const reply = (await runScript(redis, tokenScript, names, args)) as [string, number, 0 | 1] | null
    return reply === null ? null : { token: reply[0], crashes: reply[1], called: reply[2] === 1 }
  }

  /** False when the worker no longer held it: it ended, or somebody else gave it back. */
  async function giveBack(job: Job, jobId: string, worker: string, held: Held): Promise<boolean> {
    const waitMs = waitAfterCrashMs(held.crashes, Math.random())
    try {
      // BullMQ compares the token: a lock that was taken since then stays.
      if (waitMs > 0) await job.moveToDelayed(Date.now() + waitMs, held.token)
      else await job.moveToWait(held.token)
      return true
    } catch (error) {
      if ((await hold(worker, jobId, false)) !== null) throw error
      return false
    }
  }

  async function release(job: Job, jobId: string, worker: string): Promise<Released[]> {
    const held = await hold(worker, jobId, true)
    if (held === null) return []
    const { data: request } = requestSchema.safeParse(job.data)
    const ended = request !== undefined && held.crashes >= MOST_CRASHES
    // Its job leaves as that of any request which has ended does: by the verdict.
    if (ended) {
      const tries = { made: job.attemptsMade, history: readAttempts(job.stacktrace) }
      await record(redis, keys, request, crashedEnding(request, held.crashes, tries, Date.now()))
    }
    if (!(await giveBack(job, jobId, worker, held))) return []
    // A job that is no request of this version: no call is made for it.
    if (request === undefined) return []
    const { batch, index, generation } = request
    return [{ batch, index, generation, called: held.called, crashes: held.crashes, ended }]
  }

  async function releaseAll(dead: ReadonlySet<string>): Promise<Released[]> {
    const theirs = (await queue.getActive()).flatMap((job) => {
      const { id, processedBy = '' } = job
      return id !== undefined && dead.has(processedBy) ? [{ job, id, worker: processedBy }] : []
    })
    const released: Released[] = []
    for (let at = 0; at < theirs.length; at += AT_ONCE) {
      const some = theirs.slice(at, at + AT_ONCE)
      const given = await Promise.all(some.map(({ job, id, worker }) => release(job, id, worker)))
      released.push(...given.flat())
    }
    return released
  }

  return {
    async releaseOrphans(runs) {
      const before = suspects
      suspects = new Set()
      let released = 0
      for (const job of await queue.getActive()) {
        const { id, processedBy } = job
        if (id === undefined || processedBy !== name || runs(id)) continue
        if (!before.has(id)) {
          suspects.add(id)
          continue
        }
        const held = await hold(name, id, false)
        if (held !== null && (await giveBack(job, id, name, held))) released++
      }
      if (released > 0) await wakeWorkers(redis, queue)
      return released
    },
    async beat() {
      await runScript(redis, beatScript, [keys.workers], [name])
    },
    async leave() {
      await dropGauges(redis, keys, [name])
      await redis.zrem(keys.workers, name)
    },
    async releaseDead() {
      const dead = await findDead()
      const fresh = [...dead].filter((worker) => !dying.has(worker))
      dying = dead
      if (dead.size === 0) return []
      // If one of them was probing a gate that had just opened, its probe never ends: another may go out.
      if (fresh.length > 0) await redis.hset(keys.gate, 'probeUntil', 0)
      const released = await releaseAll(dead)
      if (released.length > 0) await wakeWorkers(redis, queue)
      // What a dead worker had asked for may still have been on its way to Redis: it is forgotten when a look finds
      // nothing of it any more.
      if (released.length === 0) {
        await dropGauges(redis, keys, [...dead])
        await redis.zrem(keys.workers, ...dead)
      }
      return released
    },
  }
}

/** A job that is held for a worker. */
interface Held {
  readonly token: string
  readonly crashes: number
  readonly called: boolean
}
