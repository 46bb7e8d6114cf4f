import { readFile, writeFile } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { LeaseLost } from '../../src/batches/batch-store.js'
import { feedPortion } from '../../src/batches/feeder.js'
import type { ChunkReader } from '../../src/batches/input/chunks.js'
import { InputChanged } from '../../src/batches/input/input-errors.js'
import type { Session } from '../../src/batches/session.js'
import { askVerdicts } from '../../src/completions/record.js'
import { requestSchema } from '../../src/completions/request.js'
import { ids, jsonLines, request, requests } from '../support/batch-files.js'
import { leaseOn, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered } from '../support/endings.js'
import { takeFromWaiting, waitingJobs } from '../support/jobs.js'

/** Requests in a chunk, at most. */
const CHUNK = 500

let session: Session
beforeEach(async () => {
  session = await testSession()
})

async function withReader<T>(batch: TestBatch, use: (chunks: ChunkReader) => Promise<T>): Promise<T> {
  const chunks = await batch.chunks()
  try {
    return await use(chunks)
  } finally {
    await chunks.close()
  }
}

const withChunks = <T>(batch: TestBatch, use: (feed: () => Promise<number>) => Promise<T>): Promise<T> =>
  withReader(batch, (chunks) =>
    use(async () => (await feedPortion(batch.id, CHUNK, chunks, batch.deps)).count),
  )

const marks = (batch: TestBatch) => session.store.marks(batch.id)

/** Ids of the batch's jobs, in the order in which they will be taken. */
async function waitingIds({ id, session: { completions } }: TestBatch): Promise<string[]> {
  const waiting = await waitingJobs(completions)
  return waiting.map((job) => job.id ?? '').filter((jobId) => jobId.startsWith(`${id}-`))
}

const idsOf = (batch: TestBatch, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `${batch.id}-${from + n}-0`)

describe('feeding', () => {
  it('hands over a chunk at a time, in order, until the input is at its end', async () => {
    const batch = await testBatch(requests(1200), {}, session)
    const fed = await withChunks(batch, async (feed) => [
      await feed(),
      await feed(),
      await feed(),
      await feed(),
    ])
    expect(fed).toEqual([CHUNK, CHUNK, 200, 0])
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 1200))
    expect(await marks(batch)).toMatchObject({ fed: 1200, total: 1200, completed: 0, failed: 0 })
  })

  it('goes on at the cursor, whoever feeds', async () => {
    const batch = await testBatch(requests(700), {}, session)
    expect(await withChunks(batch, (feed) => feed())).toBe(CHUNK)
    expect(await withChunks(batch, (feed) => feed())).toBe(200)
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 700))
  })

  it('makes jobs that hold all that is needed to call, and that BullMQ itself never gives up', async () => {
    const more = { temperature: 0.5, tools: [{ type: 'function' }], seed: 7 }
    const batch = await testBatch(`\n${JSON.stringify(request('my-id', '', more))}\n`, {}, session)
    await withChunks(batch, (feed) => feed())
    const job = await session.completions.getJob(`${batch.id}-0-0`)
    expect(requestSchema.parse(job?.data)).toEqual({
      batch: batch.id,
      index: 0,
      generation: 0,
      customId: 'my-id',
      line: 2,
      body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'say my-id' }], ...more },
    })
    expect(job?.opts).toMatchObject({ removeOnComplete: true, removeOnFail: true })
    expect(job?.opts.attempts).toBeGreaterThan(100_000)
  })

  it('ends the lines that can not be sent, and sends the others', async () => {
    const input = `${JSON.stringify(request('good'))}\nnot JSON\n${JSON.stringify(request('good'))}\n`
    const batch = await testBatch(input, {}, session)
    expect(await withChunks(batch, (feed) => feed())).toBe(3)
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 1))
    expect(await session.redis.hgetall(session.keys.batch(batch.id))).toMatchObject({
      fed: '3',
      failed: '2',
      'failed:invalid_json_line': '1',
      'failed:duplicate_custom_id': '1',
    })
    const entries = await session.redis.xrange(session.keys.stream(batch.id), '-', '+')
    const lines = entries.map(([, pairs]) => JSON.parse(pairs[7] ?? ''))
    expect(lines).toMatchObject([
      { custom_id: 'line-2', response: null, error: { code: 'invalid_json_line', line: 2 } },
      { custom_id: 'good', response: null, error: { code: 'duplicate_custom_id', line: 3 } },
    ])
  })

  it.each(['stopped', 'replaced'] as const)('feeds nothing of a batch that is %s', async (state) => {
    const batch = await testBatch(requests(5), {}, session)
    await session.store.end(batch.id, state, '')
    expect(await withChunks(batch, (feed) => feed())).toBe(0)
    expect(await waitingIds(batch)).toEqual([])
  })
})

describe('a crash between handing over and moving the cursor', () => {
  const input = `${requests(600)}not JSON\n`

  /** What Redis holds when a process is killed right before the cursor moves: the marks are those of before. */
  async function feedAndCrash(batch: TestBatch): Promise<void> {
    const { fed, cursor } = (await marks(batch)) ?? { fed: 0, cursor: 0 }
    await withChunks(batch, (feed) => feed())
    await session.redis.hset(session.keys.batch(batch.id), { fed, cursor })
  }

  it('feeds the chunk again: the ids are the same, and no job is there twice', async () => {
    const batch = await testBatch(input, {}, session)
    for (let crash = 0; crash < 3; crash++) await feedAndCrash(batch)
    expect((await marks(batch))?.fed).toBe(0)
    await withChunks(batch, (feed) => feed())
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, CHUNK))
    expect((await marks(batch))?.fed).toBe(CHUNK)
  })

  it('ends no rejected line twice', async () => {
    const batch = await testBatch(input, {}, session)
    await withChunks(batch, (feed) => feed())
    await feedAndCrash(batch)
    await withChunks(batch, (feed) => feed())
    expect(await marks(batch)).toMatchObject({ fed: 601, failed: 1 })
    expect(await session.redis.xlen(session.keys.stream(batch.id))).toBe(1)
  })

  it('calls nothing again that was answered meanwhile: the verdict knows', async () => {
    const batch = await testBatch(requests(3), {}, session)
    await feedAndCrash(batch)
    await batch.record(1, answered(batch.place(1)))
    await (await session.completions.getJob(`${batch.id}-1-0`))?.remove()
    await withChunks(batch, (feed) => feed())
    const places = [0, 1, 2].map((index) => batch.place(index))
    const verdicts = await askVerdicts(session.redis, session.keys, batch.id, places)
    expect(verdicts).toEqual(['go', 'done', 'go'])
    expect(await marks(batch)).toMatchObject({ completed: 1, fed: 3 })
  })

  it('hands over none that has ended, in any chunk, so that a million answered ones cost nothing', async () => {
    const batch = await testBatch(requests(700), {}, session)
    for (const index of [0, 7, 8, 499, 500, 503, 699]) await batch.record(index, answered(batch.place(index)))
    await withChunks(batch, async (feed) => [await feed(), await feed()])
    const ended = [0, 7, 8, 499, 500, 503, 699].map((index) => `${batch.id}-${index}-0`)
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 700).filter((id) => !ended.includes(id)))
    expect((await marks(batch))?.fed).toBe(700)
  })

  it('leaves a job where it is that runs or waits for its retry', async () => {
    const batch = await testBatch(requests(3), {}, session)
    await feedAndCrash(batch)
    const delayed = await session.completions.getJob(`${batch.id}-1-0`)
    await takeFromWaiting(session, `${batch.id}-1-0`)
    await session.redis.zadd(session.completions.toKey('delayed'), 1e15, `${batch.id}-1-0`)
    await withChunks(batch, (feed) => feed())
    expect(await delayed?.getState()).toBe('delayed')
    expect(await waitingIds(batch)).toEqual([`${batch.id}-0-0`, `${batch.id}-2-0`])
  })
})

describe('portions of a chunk', () => {
  const portion = (batch: TestBatch, most: number, deps = batch.deps) =>
    withReader(batch, (chunks) => feedPortion(batch.id, most, chunks, deps))

  it('follow one another, and the cursor moves when the chunk is through', async () => {
    const batch = await testBatch(
      `${requests(250)}not JSON\n${requests(300).split('\n').slice(250).join('\n')}`,
      {},
      session,
    )
    const seen: unknown[] = []
    for (let i = 0; i < 4; i++) {
      const { count } = await portion(batch, 100)
      const { fed, cursor, failed } = (await marks(batch)) ?? {}
      seen.push([count, fed, cursor === 0, failed])
    }
    expect(seen).toEqual([
      [100, 100, true, 0],
      [100, 200, true, 0],
      [100, 300, true, 1],
      [1, 301, false, 1],
    ])
    expect(await waitingIds(batch)).toHaveLength(300)
  })

  it('are fed again after a crash: no request is lost, none is there twice', async () => {
    const batch = await testBatch(requests(230), {}, session)
    await portion(batch, 100)
    const crashing = {
      ...batch.deps,
      store: { ...session.store, advance: () => Promise.reject(new Error('crash')) },
    }
    await expect(portion(batch, 100, crashing)).rejects.toThrow('crash')
    expect((await marks(batch))?.fed).toBe(100)
    while ((await portion(batch, 100)).count > 0);
    expect((await waitingIds(batch)).sort()).toEqual(idsOf(batch, 0, 230).sort())
    expect((await marks(batch))?.fed).toBe(230)
  })

  it('end with the request that makes them heavy', async () => {
    const heavy = ids(5).map((id) => request(id, 'x'.repeat(400 * 1024)))
    const batch = await testBatch(jsonLines(heavy), {}, session)
    const fed = [await portion(batch, 100), await portion(batch, 100)]
    expect(fed.map(({ count }) => count)).toEqual([3, 2])
    expect(fed[0]?.bytes).toBeGreaterThan(1200 * 1024)
  })
})

describe('a step that fails', () => {
  const failing = () => Promise.reject(new Error('Redis is away'))

  it.each(['handing over', 'ending the lines that can not be sent'])(
    '%s: the cursor does not move',
    async (step) => {
      const batch = await testBatch(`${requests(3)}not JSON\n`, {}, session)
      const queue = Object.assign(Object.create(batch.deps.queue), { addBulk: failing })
      const broken = step === 'handing over' ? { queue } : { record: failing }
      const feeding = withChunks({ ...batch, deps: { ...batch.deps, ...broken } }, (feed) => feed())
      await expect(feeding).rejects.toThrow('Redis is away')
      expect((await marks(batch))?.fed).toBe(0)
      expect(await withChunks(batch, (feed) => feed())).toBe(4)
      expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 3))
      expect(await marks(batch)).toMatchObject({ fed: 4, failed: 1 })
    },
  )
})

describe('a feeder whose directory another process has taken over', () => {
  it('moves no cursor; what it handed over is the same that its successor hands over', async () => {
    const batch = await testBatch(requests(700), {}, session)
    await session.redis.del(session.keys.lease(batch.directory.id))
    const lease = leaseOn(session, batch.directory, 'deadbeef-1-1')
    await lease.hold()
    await expect(withChunks(batch, (feed) => feed())).rejects.toThrow(LeaseLost)
    expect((await marks(batch))?.fed).toBe(0)
    const successor = { ...batch, deps: { ...batch.deps, leaseToken: () => lease.token } }
    await withChunks(successor, async (feed) => [await feed(), await feed()])
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, 700))
  })
})

describe('an input that was edited', () => {
  it('is not fed: the error names the lines, and nothing of the chunk has gone out', async () => {
    const batch = await testBatch(requests(700), {}, session)
    await withChunks(batch, (feed) => feed())
    const text = await readFile(batch.inputPath, 'utf8')
    await writeFile(batch.inputPath, text.replace('say p-650', 'say x-650'))
    const feeding = withChunks(batch, (feed) => feed())
    await expect(feeding).rejects.toThrow(InputChanged)
    await expect(feeding).rejects.toThrow(/lines 501–700/)
    expect(await waitingIds(batch)).toEqual(idsOf(batch, 0, CHUNK))
    expect((await marks(batch))?.fed).toBe(CHUNK)
  })

  it('can be restored, and goes on', async () => {
    const batch = await testBatch(requests(10), {}, session)
    const text = await readFile(batch.inputPath, 'utf8')
    await writeFile(batch.inputPath, `${text}more\n`.replace('p-3', 'p-x'))
    await expect(withChunks(batch, (feed) => feed())).rejects.toThrow(InputChanged)
    await writeFile(batch.inputPath, text)
    expect(await withChunks(batch, (feed) => feed())).toBe(10)
  })
})
