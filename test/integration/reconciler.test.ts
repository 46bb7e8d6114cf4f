import type { Redis } from 'ioredis'
import { beforeEach, describe, expect, it } from 'vitest'
import { feedPortion } from '../../src/batches/feeder.js'
import { reconcile } from '../../src/batches/reconciler.js'
import type { Session } from '../../src/batches/session.js'
import { countJobs } from '../../src/completions/queues.js'
import { requests } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered } from '../support/endings.js'
import { takeFromWaiting, waitingJobs } from '../support/jobs.js'

let session: Session
let batch: TestBatch
beforeEach(async () => {
  session = await testSession()
})

/** A batch whose input is fed as a whole. */
async function fedBatch(count: number): Promise<TestBatch> {
  const made = await testBatch(requests(count), {}, session)
  const chunks = await made.chunks()
  while ((await feedPortion(made.id, 500, chunks, made.deps)).count > 0) {
    // One chunk after the other.
  }
  await chunks.close()
  return made
}

async function reconciled(fed = batch.manifest.total, redis: Redis = session.redis): Promise<number> {
  const chunks = await batch.chunks()
  try {
    return await reconcile(batch.id, fed, chunks, { ...batch.deps, redis })
  } finally {
    await chunks.close()
  }
}

const jobIdOf = (index: number, generation = 0) => `${batch.id}-${index}-${generation}`

/** The job is in no state of the queue any more, as after a Redis that lost its last second. */
async function lose(...indexes: number[]): Promise<void> {
  const { redis, completions } = session
  const pipeline = redis.pipeline()
  for (const index of indexes) {
    pipeline.del(completions.toKey(jobIdOf(index)))
    pipeline.zrem(completions.toKey('prioritized'), jobIdOf(index))
  }
  await pipeline.exec()
}

const waitingIds = async () => (await waitingJobs(session.completions)).map((job) => job.id).sort()
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('a request that is in no state of the queue', () => {
  beforeEach(async () => {
    batch = await fedBatch(20)
  })

  it('is fed again, as it was', async () => {
    const before = await session.completions.getJob(jobIdOf(7))
    await lose(7, 11)
    expect(await reconciled()).toBe(2)
    expect(await waitingIds()).toEqual(
      upTo(20)
        .map((index) => jobIdOf(index))
        .sort(),
    )
    const after = await session.completions.getJob(jobIdOf(7))
    expect(after?.data).toEqual(before?.data)
    expect(after?.opts.attempts).toBe(before?.opts.attempts)
    expect(await reconciled()).toBe(0)
  })

  it('is not fed again when it has ended', async () => {
    await batch.record(7, answered(batch.place(7)))
    await lose(7, 11)
    expect(await reconciled()).toBe(1)
    expect(await waitingIds()).not.toContain(jobIdOf(7))
  })

  it('is not fed again when it ended while we looked', async () => {
    await lose(11)
    // Between the look at the bitmap and the look at the jobs: its worker records the answer, and the job leaves.
    const racing: Redis = Object.create(session.redis)
    racing.exists = (async (key: string) => {
      if (key.endsWith(jobIdOf(7))) {
        await batch.record(7, answered(batch.place(7)))
        await lose(7)
      }
      return session.redis.exists(key)
    }) as Redis['exists']
    expect(await reconciled(20, racing)).toBe(1)
    expect(await waitingIds()).not.toContain(jobIdOf(7))
    expect(await waitingIds()).toContain(jobIdOf(11))
  })

  it('is not fed again when it was never fed', async () => {
    await lose(7, 11)
    expect(await reconciled(10)).toBe(1)
    expect(await waitingIds()).not.toContain(jobIdOf(11))
  })

  it('is fed again in the generation that it has now', async () => {
    await session.redis.hset(session.keys.generations(batch.id), '7', 2)
    await lose(7)
    expect(await reconciled()).toBe(1)
    expect((await session.completions.getJob(jobIdOf(7, 2)))?.data).toMatchObject({ index: 7, generation: 2 })
  })
})

describe('a request that is in some state of the queue', () => {
  beforeEach(async () => {
    batch = await fedBatch(5)
  })

  it('is left where it is: waiting, delayed or running, also while the queue is paused', async () => {
    const { redis, completions } = session
    const move = async (index: number): Promise<void> => {
      await takeFromWaiting(session, jobIdOf(index))
    }
    await move(1)
    await redis.zadd(completions.toKey('delayed'), 1e15, jobIdOf(1))
    await move(2)
    await redis.lpush(completions.toKey('active'), jobIdOf(2))
    await completions.pause()
    expect(await reconciled()).toBe(0)
    await completions.resume()
    expect(await countJobs(completions)).toEqual({
      waiting: 3,
      delayed: 1,
      active: 1,
    })
  })
})

it('feeds again thousands that are lost, and no others', async () => {
  batch = await fedBatch(1200)
  await Promise.all([3, 700, 1199].map((index) => batch.record(index, answered(batch.place(index)))))
  await lose(...upTo(1200).filter((index) => index % 10 !== 5))
  expect(await reconciled()).toBe(1080 - 3)
  const expected = upTo(1200).filter((index) => ![3, 700, 1199].includes(index))
  expect(await waitingIds()).toEqual(expected.map((index) => jobIdOf(index)).sort())
})
