import { access, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openBatchWork } from '../../src/batches/batch-work.js'
import { rememberedBatches } from '../../src/batches/known-batches.js'
import { type PurgeDeps, purgeBatch } from '../../src/batches/purge.js'
import { enforceRetention } from '../../src/batches/retention.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { startRetention } from '../../workers/retention.js'
import { requests } from '../support/batch-files.js'
import { silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { holdRequest } from '../support/gates.js'

function lettersOf({ session: { redis, keys, deadLetters } }: TestBatch) {
  return createDeadLetters(redis, keys, deadLetters)
}

/** A batch of three that has ended: two answers, one dead letter. */
async function endedBatch(given?: Parameters<typeof testBatch>[2]): Promise<TestBatch> {
  const batch = await testBatch(requests(3), {}, given)
  const { session, deps } = batch
  const work = await openBatchWork(batch.manifest, { ...deps, bury: lettersOf(batch).bury })
  while ((await work.feed(500)).count > 0);
  await batch.record(0, answered(batch.place(0)))
  await batch.record(1, answered(batch.place(1)))
  await batch.record(2, refused(batch.place(2)))
  for (let state = ''; state !== 'completed'; ) {
    await work.collect()
    state = (await session.store.marks(batch.id))?.state ?? ''
  }
  await work.close()
  return batch
}

function purgeDeps(batch: TestBatch): PurgeDeps {
  const { redis, keys } = batch.session
  return {
    redis,
    keys,
    queue: batch.session.completions,
    directory: batch.directory,
    purgeDeadLetters: lettersOf(batch).purgeBatch,
  }
}

async function traces(batch: TestBatch): Promise<Record<string, unknown>> {
  const { redis, keys } = batch.session
  const keysLeft = (await redis.keys(`${keys.batch(batch.id)}*`)).length
  return {
    keys: keysLeft,
    letters: await lettersOf(batch).count({ batch: batch.id }),
    files: await batch.directory.manifest(batch.id),
    claims: [
      await batch.directory.outputOwner(batch.manifest.output),
      await batch.directory.outputOwner(batch.manifest.errors),
    ],
  }
}

const MINUTE_MS = 60_000
const NOTHING = { keys: 0, letters: 0, files: null, claims: [null, null] }

describe('purgeBatch', () => {
  it('removes files, claims, dead letters and keys, and leaves what the user sees', async () => {
    const batch = await endedBatch()
    const before = await readFile(batch.manifest.output, 'utf8')
    expect(await traces(batch)).not.toEqual(NOTHING)
    expect((await purgeBatch(batch.manifest, purgeDeps(batch))).deadLetters).toBe(1)
    expect(await traces(batch)).toEqual(NOTHING)
    expect(await readFile(batch.manifest.output, 'utf8')).toBe(before)
    await access(batch.manifest.errors)
  })

  it('refuses a batch that runs, and takes nothing of it', async () => {
    const batch = await testBatch(requests(1))
    const before = await traces(batch)
    await expect(purgeBatch(batch.manifest, purgeDeps(batch))).rejects.toMatchObject({
      code: 'batch_running',
    })
    expect(await traces(batch)).toEqual(before)
  })

  it.each(['dead letters', 'claims', 'files'] as const)(
    'is made up for after a crash before it removed the %s; nothing can be retried meanwhile',
    async (before) => {
      const batch = await endedBatch()
      const crash = () => Promise.reject(new Error('crash'))
      const deps = purgeDeps(batch)
      const crashing: PurgeDeps = {
        ...deps,
        ...(before === 'dead letters' ? { purgeDeadLetters: crash } : {}),
        directory: {
          ...batch.directory,
          ...(before === 'claims' ? { releaseOutput: crash } : {}),
          ...(before === 'files' ? { remove: crash } : {}),
        },
      }
      await expect(purgeBatch(batch.manifest, crashing)).rejects.toThrow('crash')
      const { retried } = await lettersOf(batch).retry([`${batch.id}-2-0`], null)
      expect(retried).toBe(0)
      await purgeBatch(batch.manifest, deps)
      expect(await traces(batch)).toEqual(NOTHING)
    },
  )

  it('works where files, or keys, are gone already', async () => {
    const batch = await endedBatch()
    await batch.directory.remove(batch.id)
    await purgeBatch(batch.manifest, purgeDeps(batch))
    expect(await traces(batch)).toEqual(NOTHING)
    await purgeBatch(batch.manifest, { ...purgeDeps(batch), directory: null })
  })
})

describe('retention', () => {
  const LIMITS = {
    batchesMs: MINUTE_MS,
    inputsMs: MINUTE_MS,
    deadLettersMs: Number.MAX_SAFE_INTEGER,
    incidentsMs: MINUTE_MS,
    mostBatches: 10,
    mostDeadLetters: 10,
  }

  function enforce(batch: TestBatch, nowMs: number) {
    const { session, directory } = batch
    return enforceRetention({
      session,
      directory,
      deadLetters: lettersOf(batch),
      limits: LIMITS,
      nowMs,
      isOurs: () => true,
    })
  }

  it('removes what ended too long ago, and nothing before or twice', async () => {
    const batch = await endedBatch()
    const none = { batches: 0, inputs: 0, deadLetters: 0, incidents: 0 }
    const { gate } = batch.session
    await gate.hold(holdRequest())
    await gate.lift('*', 'person')
    expect(await enforce(batch, Date.now())).toEqual(none)
    expect(await gate.pastIncidents(9)).toHaveLength(1)
    const later = Date.now() + 2 * MINUTE_MS
    expect(await enforce(batch, later)).toEqual({ ...none, batches: 1, incidents: 1 })
    expect(await traces(batch)).toEqual(NOTHING)
    expect(await enforce(batch, later)).toEqual(none)
  })

  it('is kept by who holds the directory, and by nobody else', async () => {
    const batch = await endedBatch()
    const { session, directory } = batch
    const limits = { ...LIMITS, mostBatches: 0 }
    const lease = { token: '' }
    const turns: string[] = []
    const retention = startRetention({
      session,
      directory,
      lease: {
        isSure: true,
        get token() {
          turns.push(lease.token)
          return lease.token
        },
      },
      limits,
      log: silent,
    })
    expect(turns).toEqual([''])
    lease.token = 'held'
    await eventually('it is removed', async () => (await traces(batch)).files === null)
    await retention.close()
    expect(await traces(batch)).toEqual(NOTHING)
  })

  it('removes the keys of a batch of this directory whose files are gone; another directory keeps its own', async () => {
    const session = await testSession()
    const [batch, elsewhere] = [await endedBatch(session), await endedBatch(session)]
    await batch.directory.remove(batch.id)
    expect(await enforce(batch, Date.now())).toMatchObject({ batches: 1 })
    expect(await rememberedBatches(session)).toEqual([elsewhere.id])
  })
})
