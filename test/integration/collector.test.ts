import { appendFile, readFile, stat, truncate } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { LeaseLost } from '../../src/batches/batch-store.js'
import { type Collector, openCollector } from '../../src/batches/collector.js'
import { partialName } from '../../src/batches/publish.js'
import { ResultFileDamaged } from '../../src/batches/result-file.js'
import { revisionPaths } from '../../src/batches/revision.js'
import type { Session } from '../../src/batches/session.js'
import type { Ending } from '../../src/completions/record.js'
import type { RequestPlace } from '../../src/completions/request.js'
import { readOutput, requests } from '../support/batch-files.js'
import { leaseOn, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'

let session: Session
beforeAll(async () => {
  session = await testSession()
})

const newBatch = (count = 20) => testBatch(requests(count), {}, session)

function open({ id, paths, manifest, deps }: TestBatch): Promise<Collector> {
  return openCollector(
    { batch: id, directory: paths.directory, output: manifest.output, errors: manifest.errors },
    deps,
  )
}

/** Opens, collects until nothing comes, and closes: a run that ends well. */
async function collectAll(batch: TestBatch): Promise<number> {
  const collector = await open(batch)
  let lines = 0
  for (let some = await collector.collect(); some > 0; some = await collector.collect()) lines += some
  await collector.close()
  return lines
}

async function record(
  batch: TestBatch,
  indexes: readonly number[],
  ending: (place: RequestPlace) => Ending = answered,
): Promise<string[]> {
  const endings = indexes.map((index) => ending(batch.place(index)))
  await Promise.all(endings.map((given, i) => batch.record(indexes[i] as number, given)))
  return endings.map(({ line }) => line)
}

/** What a process that was killed left behind the checkpoint. */
const leave = (path: string, lines: readonly string[], torn = '') =>
  appendFile(path, lines.map((line) => `${line}\n`).join('') + torn)

const idsIn = async (path: string) => (await readOutput(path)).map(({ custom_id }) => custom_id)
const ids = (...indexes: number[]) => indexes.map((index) => `p-${index + 1}`)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)
const left = (batch: TestBatch) => session.redis.xlen(session.keys.stream(batch.id))
/** The files that count now. */
const current = async ({ paths, id }: TestBatch) =>
  revisionPaths(paths.directory, (await session.store.marks(id))?.revision ?? 0)
const marks = (batch: TestBatch) => session.store.marks(batch.id)
const letters = async (batch: TestBatch) =>
  (await session.deadLetters.getPrioritized()).filter(({ data }) => data.batch === batch.id)

describe('what was recorded', () => {
  it('goes from the stream into the files: answers into one, failures into the other', async () => {
    const batch = await newBatch()
    const lines = await record(batch, [4, 1, 7])
    const failures = await record(batch, [2, 3], refused)
    expect(await collectAll(batch)).toBe(5)
    expect(await readFile(batch.paths.results, 'utf8')).toBe(`${lines.join('\n')}\n`)
    expect(await readFile(batch.paths.errors, 'utf8')).toBe(`${failures.join('\n')}\n`)
  })

  it('leaves the stream once it is on disk, and moves the checkpoint', async () => {
    const batch = await newBatch()
    await record(batch, [0, 1])
    await record(batch, [2], refused)
    await collectAll(batch)
    expect(await left(batch)).toBe(0)
    const [results, errors] = await Promise.all([stat(batch.paths.results), stat(batch.paths.errors)])
    expect(await marks(batch)).toMatchObject({
      resultsBytes: results.size,
      errorsBytes: errors.size,
      collected: 3,
      completed: 2,
      failed: 1,
    })
  })

  it('is taken in portions, in the order in which it came', async () => {
    const batch = await newBatch(1600)
    const lines = await record(batch, upTo(1600))
    const collector = await open(batch)
    const portions = [await collector.collect(), await collector.collect(), await collector.collect()]
    expect(portions).toEqual([500, 1000, 100])
    expect(await collector.collect()).toBe(0)
    await collector.close()
    expect(await readFile(batch.paths.results, 'utf8')).toBe(`${lines.join('\n')}\n`)
  })

  it('is taken in smaller portions where answers are large', async () => {
    const batch = await newBatch(800)
    const large = (place: RequestPlace) => answered(place, 'ä'.repeat(3000))
    const lines = await record(batch, upTo(800), large)
    const collector = await open(batch)
    const portions = [await collector.collect(), await collector.collect(), await collector.collect()]
    expect(portions).toEqual([500, 250, 50])
    await collector.close()
    expect(await readFile(batch.paths.results, 'utf8')).toBe(`${lines.join('\n')}\n`)
  })

  it('can be read beside its final name while it grows; failures only once there are any', async () => {
    const batch = await newBatch()
    const collector = await open(batch)
    expect(await idsIn(partialName(batch.manifest.output))).toEqual([])
    await expect(stat(partialName(batch.manifest.errors))).rejects.toThrow('ENOENT')
    await record(batch, [5])
    await record(batch, [6], refused)
    await collector.collect()
    expect(await idsIn(partialName(batch.manifest.output))).toEqual(ids(5))
    expect(await idsIn(partialName(batch.manifest.errors))).toEqual(ids(6))
    await collector.close()
  })

  it('goes on where the run before ended', async () => {
    const batch = await newBatch()
    await record(batch, [0, 1])
    await collectAll(batch)
    await record(batch, [2])
    expect(await collectAll(batch)).toBe(1)
    expect(await idsIn(batch.paths.results)).toEqual(ids(0, 1, 2))
    expect((await marks(batch))?.collected).toBe(3)
  })
})

describe('after a kill between write and checkpoint', () => {
  it('whole lines are kept and not written twice, a torn one is cut and written again', async () => {
    const batch = await newBatch()
    await record(batch, [0])
    await collectAll(batch)
    const lines = await record(batch, [1, 2, 3, 4])
    await leave(batch.paths.results, lines.slice(0, 2), lines[2]?.slice(0, 40))
    expect(await collectAll(batch)).toBe(2)
    expect(await idsIn(batch.paths.results)).toEqual(ids(0, 1, 2, 3, 4))
    expect(await marks(batch)).toMatchObject({ collected: 5, completed: 5 })
    expect(await left(batch)).toBe(0)
  })

  it('a line that lacks only its end is cut and written again', async () => {
    const batch = await newBatch()
    const [line = ''] = await record(batch, [1])
    await leave(batch.paths.results, [], line)
    await collectAll(batch)
    expect(await idsIn(batch.paths.results)).toEqual(ids(1))
  })

  it('both files are made whole', async () => {
    const batch = await newBatch()
    const lines = await record(batch, [1, 2])
    const failures = await record(batch, [3, 4], refused)
    await leave(batch.paths.results, lines)
    await leave(batch.paths.errors, failures.slice(0, 1), failures[1]?.slice(0, 10))
    expect(await collectAll(batch)).toBe(1)
    expect(await idsIn(batch.paths.results)).toEqual(ids(1, 2))
    expect(await idsIn(batch.paths.errors)).toEqual(ids(3, 4))
  })

  it('a second kill, before anything was collected again, doubles nothing', async () => {
    const batch = await newBatch()
    const lines = await record(batch, [1, 2, 3])
    await leave(batch.paths.results, lines.slice(0, 2))
    for (let kill = 0; kill < 3; kill++) await (await open(batch)).close()
    await collectAll(batch)
    expect(await idsIn(batch.paths.results)).toEqual(ids(1, 2, 3))
    expect((await marks(batch))?.collected).toBe(3)
  })

  it('a kill after each portion doubles nothing, however much stood behind the checkpoint', async () => {
    const batch = await newBatch(1700)
    const lines = await record(batch, upTo(1700))
    await leave(batch.paths.results, lines.slice(0, 1200))
    for (let kill = 0; kill < 5; kill++) {
      const collector = await open(batch)
      await collector.collect()
      await collector.close()
    }
    await collectAll(batch)
    expect(await idsIn(batch.paths.results)).toEqual(ids(...upTo(1700)))
    expect(await marks(batch)).toMatchObject({ collected: 1700, completed: 1700 })
    expect(await left(batch)).toBe(0)
  })

  it('answers that Redis forgot are recorded: they were paid for', async () => {
    const batch = await newBatch()
    const [known = ''] = await record(batch, [1])
    const forgotten = [answered(batch.place(5)), answered(batch.place(6))]
    await leave(batch.paths.results, [known, ...forgotten.map(({ line }) => line)])
    await leave(batch.paths.errors, [refused(batch.place(8)).line])
    expect(await collectAll(batch)).toBe(0)
    expect(await idsIn(batch.paths.results)).toEqual(ids(1, 5, 6))
    expect(await session.redis.hgetall(session.keys.batch(batch.id))).toMatchObject({
      completed: '3',
      failed: '1',
      'failed:CHAT_MODEL_NOT_FOUND': '1',
      total_tokens: '36',
      collected: '4',
    })
    for (const index of [1, 5, 6, 8]) {
      expect(await session.redis.getbit(session.keys.done(batch.id), index)).toBe(1)
    }
  })

  it('all lines are found again when Redis lost everything', async () => {
    const batch = await newBatch()
    await record(batch, [1, 2, 3])
    await record(batch, [4], refused)
    await collectAll(batch)
    await session.redis.del(session.keys.batch(batch.id), session.keys.done(batch.id))
    await session.store.register(batch.manifest, batch.directory.id)
    expect(await collectAll(batch)).toBe(0)
    expect(await marks(batch)).toMatchObject({ completed: 3, failed: 1, collected: 4 })
    expect(await idsIn(batch.paths.results)).toEqual(ids(1, 2, 3))
  })

  it('lines longer than any buffer, of any characters, are read as they were written', async () => {
    const batch = await newBatch()
    const long = [0, 1, 2].map((index) =>
      answered(batch.place(index), `${'漢👩‍🚀é'.repeat(60_000 + index)}.`),
    )
    await leave(
      batch.paths.results,
      long.map(({ line }) => line),
      long[0]?.line.slice(0, 700_000),
    )
    await collectAll(batch)
    expect(await marks(batch)).toMatchObject({ completed: 3, collected: 3 })
    expect(await readFile(batch.paths.results, 'utf8')).toBe(long.map(({ line }) => `${line}\n`).join(''))
  })
})

describe('a collector that another process has taken over from', () => {
  /** The lease went to somebody else, as when this process stood still for too long. */
  async function takenOver(batch: TestBatch) {
    const old = await open(batch)
    await session.redis.del(session.keys.lease(batch.directory.id))
    const lease = leaseOn(session, batch.directory, 'deadbeef-1-1')
    expect(await lease.hold()).toBe(true)
    return { old, successor: { ...batch, deps: { ...batch.deps, leaseToken: () => lease.token } } }
  }

  it('is refused, and changes no mark', async () => {
    const batch = await newBatch()
    const { old } = await takenOver(batch)
    await record(batch, [1, 2])
    const before = await marks(batch)
    await expect(old.collect()).rejects.toThrow(LeaseLost)
    await old.close()
    expect(await marks(batch)).toEqual(before)
    expect(await left(batch)).toBe(2)
  })

  it('can not be opened', async () => {
    const batch = await newBatch()
    const { old } = await takenOver(batch)
    await old.close()
    await expect(open(batch)).rejects.toThrow(LeaseLost)
  })

  it('stays refused when its process takes the lease again: the files are no longer what it knows', async () => {
    const batch = await newBatch()
    const { old, successor } = await takenOver(batch)
    await record(batch, [1, 2, 3])
    await collectAll(successor)
    await session.redis.del(session.keys.lease(batch.directory.id))
    expect(await batch.lease.hold()).toBe(true)
    await record(batch, [4])
    await expect(old.collect()).rejects.toThrow(LeaseLost)
    await old.close()
    await collectAll(batch)
    expect(await idsIn((await current(batch)).results)).toEqual(ids(1, 2, 3, 4))
  })

  it('writes over nothing that its successor wrote', async () => {
    const batch = await newBatch()
    const { old, successor } = await takenOver(batch)
    await record(batch, [1, 2, 3])
    await collectAll(successor)
    await record(batch, [4, 5])
    await expect(old.collect()).rejects.toThrow(LeaseLost)
    await old.close()
    await collectAll(successor)
    expect(await idsIn((await current(batch)).results)).toEqual(ids(1, 2, 3, 4, 5))
    expect((await marks(batch))?.collected).toBe(5)
  })
})

describe('a collector whose lease goes after it has read', () => {
  it('buries nothing: a letter that was discarded since must not come back', async () => {
    const batch = await newBatch()
    const buried: unknown[] = []
    const redis = Object.create(session.redis) as typeof session.redis
    redis.pipeline = ((): unknown => {
      const transaction = session.redis.pipeline()
      const exec = transaction.exec.bind(transaction)
      transaction.exec = async () => {
        const replies = await exec()
        await session.redis.set(session.keys.lease(batch.directory.id), 'deadbeef-1-1 9 9')
        return replies
      }
      return transaction
    }) as typeof redis.pipeline
    const bury = async (letters: readonly unknown[]) => void buried.push(...letters)
    const collector = await open({ ...batch, deps: { ...batch.deps, redis, bury } })
    await record(batch, [3], refused)
    await expect(collector.collect()).rejects.toThrow(LeaseLost)
    await collector.close()
    expect(buried).toEqual([])
    expect(await left(batch)).toBe(1)
  })

  it('writes nothing when the lease was not confirmed for too long', async () => {
    const batch = await newBatch()
    let sure = true
    const collector = await open({ ...batch, deps: { ...batch.deps, leaseIsSure: () => sure } })
    await record(batch, [1])
    sure = false
    await expect(collector.collect()).rejects.toThrow(LeaseLost)
    await collector.close()
    expect((await stat(batch.paths.results)).size).toBe(0)
  })
})

describe('a file that somebody shortened', () => {
  it('is told, with what to do, and left alone', async () => {
    const batch = await newBatch()
    await record(batch, [1, 2, 3])
    await collectAll(batch)
    const { size } = await stat(batch.paths.results)
    await truncate(batch.paths.results, size - 10)
    await expect(open(batch)).rejects.toThrow(ResultFileDamaged)
    await expect(open(batch)).rejects.toThrow(/--fresh/)
    expect((await stat(batch.paths.results)).size).toBe(size - 10)
  })
})

describe('dead letters', () => {
  it('land in their queue, each under the id of its request', async () => {
    const batch = await newBatch()
    await record(batch, [1, 2])
    await record(batch, [3, 4], refused)
    await collectAll(batch)
    const buried = await letters(batch)
    expect(buried.map(({ id }) => id).sort()).toEqual([`${batch.id}-3-0`, `${batch.id}-4-0`])
    expect(buried.map(({ data }) => data)).toContainEqual(refused(batch.place(3)).letter)
  })

  it('land there once, also when a kill comes between burying and checkpoint', async () => {
    const batch = await newBatch()
    const failures = await record(batch, [3, 4], refused)
    await batch.deps.bury([3, 4].map((index) => refused(batch.place(index)).letter))
    await leave(batch.paths.errors, failures)
    await collectAll(batch)
    expect(await letters(batch)).toHaveLength(2)
    expect(await idsIn(batch.paths.errors)).toEqual(ids(3, 4))
  })

  it('land there also when burying failed at first: nothing leaves the stream before', async () => {
    const batch = await newBatch()
    await record(batch, [1])
    await record(batch, [3], refused)
    const failing = { ...batch.deps, bury: () => Promise.reject(new Error('Redis is away')) }
    const collector = await open({ ...batch, deps: failing })
    await expect(collector.collect()).rejects.toThrow('Redis is away')
    await collector.close()
    expect(await left(batch)).toBe(2)
    expect((await marks(batch))?.collected).toBe(0)
    await collectAll(batch)
    expect(await letters(batch)).toHaveLength(1)
    expect(await idsIn(batch.paths.results)).toEqual(ids(1))
    expect(await idsIn(batch.paths.errors)).toEqual(ids(3))
  })

  it('land there also when a kill came before burying', async () => {
    const batch = await newBatch()
    const failures = await record(batch, [3], refused)
    await leave(batch.paths.errors, failures)
    await collectAll(batch)
    expect(await letters(batch)).toHaveLength(1)
  })
})
