import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBatchWork } from '../../src/batches/batch-work.js'
import { type DataDirectory, openDataDirectory } from '../../src/batches/data-directory.js'
import { outputNames } from '../../src/batches/output-names.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import type { Submission } from '../../src/batches/submission.js'
import { submit } from '../../src/batches/submit.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { createAtRest } from '../../workers/at-rest.js'
import { jsonLines, readOutput, request, requests } from '../support/batch-files.js'
import { QUICK_OPTIONS, silent, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'
import { uniquePrefix } from '../support/redis.js'

let root: string
let directory: DataDirectory
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cb-submit-'))
  directory = await openDataDirectory(join(root, 'data'))
  await writeFile(join(root, 'in.jsonl'), requests(3))
})
afterEach(() => rm(root, { recursive: true }))

function submission(output: string, more: Partial<Submission> = {}): Submission {
  const input = join(root, 'in.jsonl')
  return {
    input,
    stdin: (async function* () {})(),
    ...outputNames(input, join(root, output)),
    queue: 'default',
    name: null,
    model: null,
    options: QUICK_OPTIONS,
    strict: false,
    fresh: false,
    ...more,
  }
}

describe('a file of which no line can be sent', () => {
  const hopeless = '{"messages": []}\n\nno json\n'

  it('is refused when nobody waits for it, with its first line and why, and nothing is left of it', async () => {
    await writeFile(join(root, 'in.jsonl'), hopeless)
    const refused = submit(directory, submission('x.jsonl', { refuseUnsendable: true }))
    await expect(refused).rejects.toMatchObject({ code: 'nothing_sendable' })
    await expect(refused).rejects.toThrow(/no batch was made of it\. Line 1: /)
    expect(await directory.list()).toEqual([])
  })

  it('is a batch for run, which tells what is wrong with each line', async () => {
    await writeFile(join(root, 'in.jsonl'), hopeless)
    expect((await submit(directory, submission('x.jsonl'))).manifest.total).toBe(2)
  })
})

describe('a file of answers that is there, of no batch that is known', () => {
  it('is told to be one of ours when it is', async () => {
    await writeFile(join(root, 'x.jsonl'), '{"id":"batch_req_b82926d785cbb_0_0","custom_id":"a"}\n')
    await expect(submit(directory, submission('x.jsonl'))).rejects.toThrow(
      /conduit-batch may have written it.*--output/,
    )
    await writeFile(join(root, 'x.jsonl'), 'my own\n')
    await expect(submit(directory, submission('x.jsonl'))).rejects.toThrow(/did not write it from here/)
  })
})

describe('two outputs', () => {
  for (const fresh of [false, true]) {
    it(`may not share an errors file${fresh ? ', with --fresh neither' : ''}: it names the batch that has it`, async () => {
      const { manifest } = await submit(directory, submission('x.jsonl'))
      const taken = submit(directory, submission('x.results.jsonl', { fresh }))
      await expect(taken).rejects.toMatchObject({ code: 'output_taken' })
      await expect(taken).rejects.toThrow(
        new RegExp(`x\\.errors\\.jsonl .*batch ${manifest.batch}.*--output`),
      )
      expect(await readdir(directory.batches)).toEqual([manifest.batch])
    })

    it(`may not be one's answers and the other's failures${fresh ? ', with --fresh neither' : ''}`, async () => {
      await submit(directory, submission('x.jsonl'))
      const taken = submit(directory, submission('x.errors.jsonl', { fresh }))
      await expect(taken).rejects.toThrow(/x\.errors\.jsonl .*writes its failures/)
    })
  }

  it('claim their errors file at once: of two at the same moment, one is refused and leaves no claim', async () => {
    const ends = await Promise.allSettled([
      submit(directory, submission('x.jsonl')),
      submit(directory, submission('x.results.jsonl')),
    ])
    const won = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.manifest] : []))
    const lost = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    expect(lost).toMatchObject([{ code: 'output_taken' }])
    expect((await directory.list()).map(({ batch }) => batch)).toEqual([won[0]?.batch])
  })

  it('are free for the same command, which goes on with its batch, and for --fresh on the same output', async () => {
    const { manifest } = await submit(directory, submission('x.jsonl'))
    expect(await submit(directory, submission('x.jsonl'))).toMatchObject({ resumed: true, manifest })
    const fresh = await submit(directory, submission('x.jsonl', { fresh: true, queue: 'other' }))
    expect(fresh.manifest.replaces).toEqual({ batch: manifest.batch, queue: 'default' })
  })
})

describe('an edited input', () => {
  const edited = jsonLines([request('p-9'), request('p-2'), request('p-1')])

  /** A batch of three requests, the first answered and the second refused, whose process is gone. */
  async function begun() {
    const keyPrefix = uniquePrefix()
    const session = await testSession(keyPrefix)
    const batch = await testBatch(requests(3), {}, session)
    const work = await openBatchWork(batch.manifest, batch.deps)
    await work.feed(500)
    await batch.record(0, answered(batch.place(0)))
    await batch.record(1, refused(batch.place(1)))
    await work.collect()
    await work.close()
    await batch.lease.release()
    const atRest = createAtRest({
      directory: batch.directory,
      openSession: () => testSession(keyPrefix),
      log: silent,
      onWaiting: () => {},
      onTrouble: () => {},
    })
    const again = (more: Partial<Submission> = {}) => {
      const { output, errors } = batch.manifest
      const same = { ...submission('x'), input: batch.inputPath, output, errors, ...more }
      return submit(batch.directory, same, undefined, atRest)
    }
    return { session, batch, again }
  }

  it('leaves ends of unchanged requests to the new batch, which feeds only the others', async () => {
    const { session, batch, again } = await begun()
    await writeFile(batch.inputPath, edited)

    const { manifest } = await again()

    expect(manifest.inherits).toEqual({ batch: batch.id, kept: 1, keptFailed: 1 })
    expect(manifest.replaces).toEqual({ batch: batch.id, queue: 'default' })
    expect(await session.store.marks(batch.id)).toMatchObject({ state: 'replaced' })
    expect(await session.store.draining(batch.directory.id)).toEqual([])
    await registerBatch(session, batch.directory, manifest)
    await batch.lease.hold()
    const work = await openBatchWork(manifest, batch.deps)
    expect(await session.store.marks(manifest.batch)).toMatchObject({ completed: 1, failed: 1 })
    await work.feed(500)
    await work.close()
    const fed = (await session.completions.getJobs()).map(({ id }) => id)
    expect(fed.filter((id) => id?.startsWith(manifest.batch))).toEqual([`${manifest.batch}-0-0`])
    const letters = createDeadLetters(session.redis, session.keys, session.deadLetters)
    const dead: string[] = []
    for await (const ids of letters.find({})) dead.push(...ids)
    expect(dead).toEqual([`${manifest.batch}-1-0`])
    const [failure] = await readOutput(batch.directory.batch(manifest.batch).errors)
    expect(failure).toMatchObject({ id: `batch_req_${manifest.batch}_1_0`, custom_id: 'p-2' })
  })

  it('is judged before anything of the old batch is touched', async () => {
    const { session, batch, again } = await begun()
    await writeFile(batch.inputPath, `${edited}not JSON\n`)
    await expect(again({ strict: true })).rejects.toMatchObject({ code: 'bad_lines' })
    await writeFile(batch.manifest.errors, 'my notes\n')
    await expect(again()).rejects.toThrow(/errors\.jsonl is there already, and is not as batch/)
    await rm(batch.manifest.errors)
    const other = join(root, 'other.jsonl')
    await writeFile(other, jsonLines([request('q')]))
    await expect(again({ input: other })).rejects.toMatchObject({ code: 'output_taken' })

    expect(await session.store.active(batch.directory.id)).toEqual([batch.id])
    expect((await batch.directory.list()).map((manifest) => manifest.batch)).toEqual([batch.id])
  })

  it('may be another file, when it has a request in common', async () => {
    const { batch, again } = await begun()
    await writeFile(join(root, 'other.jsonl'), edited)
    const { manifest } = await again({ input: join(root, 'other.jsonl') })
    expect(manifest.inherits).toMatchObject({ batch: batch.id, kept: 1 })
  })

  it('inherits nothing from a batch of a version that noted no requests: its output is taken', async () => {
    const { batch, again } = await begun()
    await rm(join(batch.paths.directory, 'requests.idx'))
    await writeFile(batch.inputPath, edited)
    await expect(again()).rejects.toThrow(/is there already, from batch .* with other content/)
  })

  it('does not call again what was lost from a file that somebody shortened: it says so', async () => {
    const { session, batch, again } = await begun()
    await truncate(batch.paths.results)
    await writeFile(batch.inputPath, edited)
    await expect(again()).rejects.toMatchObject({ code: 'result_file_damaged' })
    expect(await session.store.active(batch.directory.id)).toEqual([batch.id])
  })

  it('submitted twice at once becomes one batch', async () => {
    const { batch, again } = await begun()
    await writeFile(batch.inputPath, edited)
    const both = await Promise.all([again(), again()])
    expect(both[0].manifest.batch).toBe(both[1].manifest.batch)
    expect(await batch.directory.list()).toHaveLength(2)
  })

  it('brought back to what it was finds the answers of before, as long as they are there', async () => {
    const { batch, again } = await begun()
    await writeFile(batch.inputPath, edited)
    const between = await again()
    await writeFile(batch.inputPath, requests(3))
    const { manifest } = await again()
    expect(manifest.inherits).toEqual({ batch: between.manifest.batch, kept: 1, keptFailed: 1 })
  })
})

describe('a name', () => {
  it('belongs to one batch, and goes on to what replaces it', async () => {
    const { manifest } = await submit(directory, submission('x.jsonl', { name: 'nightly' }))
    const taken = submit(directory, submission('y.jsonl', { name: 'nightly' }))
    await expect(taken).rejects.toMatchObject({ code: 'name_taken' })
    await expect(taken).rejects.toThrow(manifest.batch)
    expect(await submit(directory, submission('x.jsonl', { name: 'nightly' }))).toMatchObject({
      resumed: true,
    })

    const fresh = await submit(directory, submission('x.jsonl', { fresh: true }))
    expect(fresh.manifest.name).toBe('nightly')
    await expect(submit(directory, submission('y.jsonl', { name: 'nightly' }))).rejects.toThrow(
      fresh.manifest.batch,
    )
    await submit(directory, submission('x.jsonl', { fresh: true, name: 'weekly' }))
    await submit(directory, submission('y.jsonl', { name: 'nightly' }))
  })

  it.each(['', 'a b', 'é', 'x'.repeat(65), 'b0123456789ab'])('can not be %j', async (name) => {
    await expect(submit(directory, submission('x.jsonl', { name }))).rejects.toMatchObject({
      code: 'invalid_batch_name',
    })
  })

  it('of two at once goes to one', async () => {
    const ends = await Promise.allSettled([
      submit(directory, submission('x.jsonl', { name: 'n' })),
      submit(directory, submission('y.jsonl', { name: 'n' })),
    ])
    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await directory.list()).toHaveLength(1)
  })
})

describe('strict', () => {
  it('refuses a batch that was made without it and has bad lines', async () => {
    await writeFile(join(root, 'in.jsonl'), `${requests(2)}not JSON\n{"custom_id":"x"}\n`)
    const { manifest } = await submit(directory, submission('x.jsonl'))
    const strict = submit(directory, submission('x.jsonl', { strict: true }))
    await expect(strict).rejects.toMatchObject({
      code: 'bad_lines',
      rejected: 2,
      problems: [expect.stringMatching(/^line 3: /), expect.stringMatching(/^line 4: /)],
    })
    await expect(strict).rejects.toThrow(manifest.batch)
  })

  it('goes on with one that has none', async () => {
    await submit(directory, submission('x.jsonl'))
    const strict = await submit(directory, submission('x.jsonl', { strict: true }))
    expect(strict.resumed).toBe(true)
  })
})

it('a manifest from before replacements were noted is read as one that replaces nothing', async () => {
  const { manifest } = await submit(directory, submission('x.jsonl'))
  const { replaces, ...old } = manifest
  expect(replaces).toBe(null)
  await writeFile(directory.batch(manifest.batch).manifest, JSON.stringify(old))
  expect(await directory.manifest(manifest.batch)).toEqual(manifest)
})

it('a batch that was replaced twice before anything was registered ends too', async () => {
  const session = await testSession()
  const first = await submit(directory, submission('x.jsonl'))
  await registerBatch(session, directory, first.manifest)
  await submit(directory, submission('x.jsonl', { fresh: true, queue: 'other' }))
  const third = await submit(directory, submission('x.jsonl', { fresh: true }))

  await registerBatch(session, directory, third.manifest)

  expect((await session.store.marks(first.manifest.batch))?.state).toBe('replaced')
  expect(await session.store.active(directory.id)).toEqual([third.manifest.batch])
})
