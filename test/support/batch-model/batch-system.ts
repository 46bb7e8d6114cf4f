import { readFile, truncate } from 'node:fs/promises'
import { type BatchMarks, createBatchStore, LeaseLost } from '../../../src/batches/batch-store.js'
import { type BatchWork, openBatchWork } from '../../../src/batches/batch-work.js'
import { dropIntent } from '../../../src/batches/ending/intent.js'
import { revisionPaths } from '../../../src/batches/revision.js'
import { notedRevision } from '../../../src/batches/revision-note.js'
import { createDeadLetters } from '../../../src/completions/dead-letters/dead-letters.js'
import { placeOfLine } from '../../../src/completions/output-line.js'
import {
  askVerdicts,
  type Ending,
  type Recorded,
  record,
  type Verdict,
} from '../../../src/completions/record.js'
import type { RequestPlace } from '../../../src/completions/request.js'
import type { TestBatch } from '../batches.js'
import { Crash, type CrashPoint, crashingRedis } from './crashing-redis.js'

/** A batch in a real Redis and real files, whose process with the files can die at any command. */
export interface BatchSystem {
  /** Takes a step of that process, which is started when none runs; false when it died. */
  step(take: (work: BatchWork) => Promise<unknown>, crash: CrashPoint | null): Promise<boolean>
  /** The process dies between two steps. `torn`: so many bytes behind the checkpoint were not synced. */
  crash(torn: number): Promise<void>
  /** Requests whose job a worker could take now. */
  jobs(): Promise<RequestPlace[]>
  verdict(place: RequestPlace): Promise<Verdict>
  record(place: RequestPlace, ending: Ending): Promise<Recorded>
  removeJob(place: RequestPlace): Promise<void>
  redrive(most: number): Promise<number>
  cancel(): Promise<void>
  reopen(): Promise<void>
  marks(): Promise<BatchMarks>
  /** Lines of the files that count now, by file; torn ones not. */
  lines(): Promise<{ readonly results: RequestPlace[]; readonly errors: RequestPlace[] }>
  /** What it gives lets Redis come back as it is now, after which the process with the files has died. */
  remember(): Promise<() => Promise<void>>
  wait(ms: number): void
  close(): Promise<void>
}

const idOf = ({ batch, index, generation }: RequestPlace) => `${batch}-${index}-${generation}`

async function lengthOf(path: string): Promise<number> {
  return (await readFile(path).catch(() => Buffer.alloc(0))).length
}

export function createBatchSystem({ id, session, deps, manifest, paths, lease }: TestBatch): BatchSystem {
  const { redis, keys } = session
  const letters = createDeadLetters(redis, keys, session.deadLetters)
  const dying = crashingRedis(redis)
  const dyingDeps = {
    ...deps,
    redis: dying.redis,
    store: createBatchStore(dying.redis, keys),
    record: (place: RequestPlace, ending: Ending) => record(dying.redis, keys, place, ending),
    bury: createDeadLetters(dying.redis, keys, session.deadLetters).bury,
    now: () => Date.now() + waitedMs,
  }
  let waitedMs = 0
  let work: BatchWork | null = null

  /** Lengths of the files that no crash can shorten, whatever Redis remembers of them. */
  const synced = new Map<string, number>()
  async function noteSynced(whole: boolean): Promise<void> {
    const { resultsBytes, errorsBytes, revision } = await marks()
    const files = revisionPaths(paths.directory, revision)
    for (const [path, checkpoint] of [
      [files.results, resultsBytes],
      [files.errors, errorsBytes],
    ] as const) {
      const length = whole ? await lengthOf(path) : checkpoint
      synced.set(path, Math.max(synced.get(path) ?? 0, length))
    }
  }

  async function forget(): Promise<void> {
    dying.arm(null)
    await work?.close().catch(() => undefined)
    work = null
  }

  async function marks(): Promise<BatchMarks> {
    const found = await session.store.marks(id)
    if (found === null) throw new Error('Redis knows no such batch')
    return found
  }

  const ownKeys = async () => (await redis.keys(`${keys.tag}:*`)).filter((key) => !key.includes(':lease:'))
  const placesIn = async (path: string): Promise<RequestPlace[]> => {
    const text = await readFile(path, 'utf8').catch(() => '')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole.split('\n').flatMap((line) => placeOfLine(line) ?? [])
  }

  return {
    marks,
    async step(take, crash) {
      await lease.hold()
      dying.arm(crash)
      try {
        work ??= await openBatchWork(manifest, dyingDeps)
        await take(work)
        await noteSynced(true)
        return true
      } catch (error) {
        if (!(error instanceof Crash) && !(error instanceof LeaseLost)) throw error
        await forget()
        await noteSynced(false)
        return false
      } finally {
        dying.arm(null)
      }
    },
    async crash(torn) {
      await forget()
      const files = revisionPaths(paths.directory, (await marks()).revision)
      for (const path of [files.results, files.errors]) {
        const [length, least] = [await lengthOf(path), synced.get(path) ?? 0]
        if (length > least) await truncate(path, Math.max(least, length - torn))
      }
    },
    async jobs() {
      const found = await session.completions.getJobs(['waiting', 'prioritized'])
      return found.flatMap((job) => (job?.data?.batch === id ? [job.data as RequestPlace] : []))
    },
    async verdict(place) {
      return (await askVerdicts(redis, keys, id, [place]))[0] as Verdict
    },
    record: (place, ending) => record(redis, keys, place, ending),
    async removeJob(place) {
      await session.completions.remove(idOf(place))
    },
    async redrive(most) {
      for await (const page of letters.find({ batch: id }))
        return (await letters.retry(page.slice(0, most), null)).retried
      return 0
    },
    async cancel() {
      await session.store.cancel(id, 'somebody said so')
    },
    async reopen() {
      // As the command does it that somebody types.
      await dropIntent(paths.directory)
      await session.store.reopen(id)
    },
    async lines() {
      const files = revisionPaths(paths.directory, await notedRevision(paths.directory))
      return { results: await placesIn(files.results), errors: await placesIn(files.errors) }
    },
    async remember() {
      const then = new Map<string, Buffer>()
      for (const key of await ownKeys()) {
        const value = await redis.dumpBuffer(key)
        if (value !== null) then.set(key, value)
      }
      return async () => {
        await forget()
        const now = await ownKeys()
        if (now.length > 0) await redis.unlink(...now)
        for (const [key, value] of then) await redis.restore(key, 0, value)
        // It is not the server any more that its files were compared with.
        if (await redis.hexists(keys.batch(id), 'checkedRun'))
          await redis.hset(keys.batch(id), 'checkedRun', 'older')
      }
    },
    wait(ms) {
      waitedMs += ms
    },
    async close() {
      await forget()
      await lease.release()
    },
  }
}
