import { copyFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { type BatchFiles, openBatchFiles } from '../../src/batches/batch-files.js'
import { openBatchWork } from '../../src/batches/batch-work.js'
import { revisionPaths } from '../../src/batches/revision.js'
import { readRevisionNote } from '../../src/batches/revision-note.js'
import type { Session } from '../../src/batches/session.js'
import { unfinishedCodeOf, unfinishedLine } from '../../src/completions/unfinished.js'
import { ids, readOutput, requests } from '../support/batch-files.js'
import { leaseOn, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'

let session: Session
beforeAll(async () => {
  session = await testSession()
})

const TOTAL = 6
const newBatch = () => testBatch(requests(TOTAL), {}, session)
const open = ({ manifest, paths, deps }: TestBatch) => openBatchFiles(manifest, paths.directory, deps)
const note = ({ paths }: TestBatch) => readRevisionNote(paths.directory)
const isDone = ({ id }: TestBatch, index: number) => session.redis.getbit(session.keys.done(id), index)

async function marks({ id }: TestBatch) {
  const found = await session.store.marks(id)
  if (found === null) throw new Error('the batch is gone')
  return found
}

async function answer(batch: TestBatch, files: BatchFiles, ...indexes: number[]): Promise<void> {
  for (const index of indexes) await batch.record(index, answered(batch.place(index)))
  while ((await files.collect()) > 0);
}

/** Opens the files, as the next process does; gives whose answers they hold. */
async function openAgain(batch: TestBatch): Promise<string[]> {
  const files = await open(batch)
  await files.collect()
  await files.close()
  const { results } = revisionPaths(batch.paths.directory, (await marks(batch)).revision)
  return (await readOutput(results)).map(({ custom_id }) => custom_id ?? '')
}

/** What Redis holds of a batch now, to be put back. */
async function remember({ id }: TestBatch): Promise<() => Promise<void>> {
  const { redis, keys } = session
  const names = [keys.batch(id), keys.done(id), keys.stream(id), keys.generations(id)]
  const then = await Promise.all(names.map((name) => redis.dumpBuffer(name)))
  return async () => {
    await redis.del(...names)
    for (const [i, name] of names.entries()) {
      const value = then[i]
      if (value) await redis.restore(name, 0, value)
    }
  }
}

/** Two answers and a failure in revision 0, two answers more in revision 1. */
async function renewed(between: (batch: TestBatch) => Promise<void> = async () => {}): Promise<TestBatch> {
  const batch = await newBatch()
  const files = await open(batch)
  await batch.record(5, refused(batch.place(5)))
  await answer(batch, files, 0, 1)
  await between(batch)
  await files.renew(await marks(batch))
  await answer(batch, files, 2, 3)
  await files.close()
  return batch
}

describe('which revision counts', () => {
  it('is noted on disk: a Redis that forgot the switch knows all answers again', async () => {
    let forget = async (): Promise<void> => {}
    const batch = await renewed(async (then) => {
      forget = await remember(then)
    })
    await forget()
    expect(await marks(batch)).toMatchObject({ revision: 0, completed: 2 })
    expect(await openAgain(batch)).toEqual(ids(4))
    expect(await marks(batch)).toMatchObject({ revision: 1, completed: 4, failed: 1, collected: 5 })
    expect(await isDone(batch, 3)).toBe(1)
  })

  it.each([0, 1])(
    'is not what a crash left before its switch, when Redis lost all of revision %i',
    async (revision) => {
      const batch = revision === 1 ? await renewed() : await newBatch()
      const { directory } = batch.paths
      const files = await open(batch)
      for (const kind of ['results', 'errors'] as const)
        await copyFile(revisionPaths(directory, revision)[kind], revisionPaths(directory, 2)[kind])
      await answer(batch, files, 4)
      await files.close()
      await session.redis.del(session.keys.batch(batch.id), session.keys.done(batch.id))
      await session.store.register(batch.manifest, batch.directory.id)
      expect(await openAgain(batch)).toContain('p-5')
      expect(await marks(batch)).toMatchObject({ revision })
      expect(await isDone(batch, 4)).toBe(1)
    },
  )

  it('is what Redis says when a crash came before the note, which is written then', async () => {
    const batch = await renewed()
    await rm(join(batch.paths.directory, 'revision.json'))
    expect(await openAgain(batch)).toEqual(ids(4))
    expect(await note(batch)).toEqual({ revision: 1, reopened: null })
  })

  it('is noted also where the files are copied because another may still write to them', async () => {
    const batch = await newBatch()
    await open(batch)
    await session.redis.del(session.keys.lease(batch.directory.id))
    const lease = leaseOn(session, batch.directory, 'deadbeef-1-1')
    await lease.hold()
    await openAgain({ ...batch, deps: { ...batch.deps, leaseToken: () => lease.token } })
    expect(await note(batch)).toEqual({ revision: 1, reopened: null })
  })
})

it.each(['noted', 'not noted'])(
  'a Redis that forgot that requests were being opened again opens them, the switch %s',
  async (noted) => {
    const batch = await newBatch()
    const files = await open(batch)
    await answer(batch, files, 0)
    for (const index of [1, 2]) await batch.record(index, cancelled(batch, index))
    await files.collect()
    const forget = await remember(batch)
    expect(await files.renewWithout(await marks(batch), (line) => unfinishedCodeOf(line) !== null)).toBe(2)
    await files.close()
    if (noted === 'not noted') await rm(join(batch.paths.directory, 'revision.json'))
    await (await openBatchWork(batch.manifest, batch.deps)).close()
    const again = await open(batch)
    await answer(batch, again, 1)
    await again.close()
    await forget()

    await (await openBatchWork(batch.manifest, batch.deps)).close()
    expect(await marks(batch)).toMatchObject({
      revision: 1,
      completed: 2,
      failed: 0,
      unfinished: 0,
      reopening: null,
    })
    expect(await isDone(batch, 2)).toBe(0)
  },
)

function cancelled(batch: TestBatch, index: number) {
  const code = 'batch_cancelled'
  const { letter } = refused(batch.place(index))
  const line = unfinishedLine(batch.place(index), { customId: `p-${index + 1}`, line: index + 1 }, code)
  return { kind: 'dead' as const, line, letter: { ...letter, code } }
}

describe('files whose process had the lease, lost it to another, and got it again', () => {
  it.each(['made anew', 'published', 'tidied'])('are not %s', async (how) => {
    const batch = await newBatch()
    const files = await open(batch)
    await answer(batch, files, 0, 1)
    const known = await marks(batch)
    const { redis, keys } = session
    await redis.del(keys.lease(batch.directory.id))
    await leaseOn(session, batch.directory, 'deadbeef-1-1').hold()
    await redis.del(keys.lease(batch.directory.id))
    expect(await batch.lease.hold()).toBe(true)
    const before = (await readdir(batch.paths.directory)).filter((name) => !name.startsWith('writer.'))

    const act = { 'made anew': files.renew, published: files.publish, tidied: files.tidy }[how]
    await expect(act?.(known)).rejects.toMatchObject({ code: 'lease_lost' })
    await files.close()
    const after = (await readdir(batch.paths.directory)).filter((name) => !name.startsWith('writer.'))
    expect(after).toEqual(before)
    expect(await marks(batch)).toEqual(known)
  })
})
