import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DataDirectory, openDataDirectory } from '../../src/batches/data-directory.js'
import { outputNames } from '../../src/batches/output-names.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import { type Submission, submit } from '../../src/batches/submit.js'
import { requests } from '../support/batch-files.js'
import { QUICK_OPTIONS, testSession } from '../support/batches.js'

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

  expect((await session.store.marks(first.manifest.batch))?.state).toBe('cancelled')
  expect(await session.store.active(directory.id)).toEqual([third.manifest.batch])
})
