import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type AnswerFiles,
  answersAsWritten,
  answersInOrder,
  type Kind,
} from '../../src/batches/batch-answers.js'

const BATCH = 'b0000000000a1'
const root = await mkdtemp(join(tmpdir(), 'cb-answers-'))
afterAll(() => rm(root, { recursive: true, force: true }))

/** A line as the collector writes it; `size` characters of content. */
function line(index: number, generation = 0, size = 20): string {
  return `${JSON.stringify({ id: `batch_req_${BATCH}_${index}_${generation}`, custom_id: `é${index}`, text: 'ä'.repeat(size) })}\n`
}

let files = 0
async function answerFiles(
  results: readonly string[],
  errors: readonly string[],
  more: Partial<AnswerFiles> & { readonly behind?: string } = {},
): Promise<AnswerFiles> {
  const { behind = '', ...given } = more
  const paths = { results: join(root, `results-${++files}`), errors: join(root, `errors-${files}`) }
  await writeFile(paths.results, results.join('') + behind)
  await writeFile(paths.errors, errors.join('') + behind)
  return {
    ...paths,
    resultsBytes: Buffer.byteLength(results.join('')),
    errorsBytes: Buffer.byteLength(errors.join('')),
    total: results.length + errors.length,
    generations: new Map(),
    ...given,
  }
}

async function read(
  lines: (files: AnswerFiles, kind: Kind) => AsyncGenerator<Buffer>,
  from: AnswerFiles,
  kind: Kind = 'answers',
): Promise<string> {
  const blocks: Buffer[] = []
  for await (const block of lines(from, kind)) blocks.push(block)
  return Buffer.concat(blocks).toString()
}

describe('the answers of a batch', () => {
  it('come as they were written, up to the mark and not further', async () => {
    const lines = [2, 0, 1].map((index) => line(index))
    const from = await answerFiles(lines, [], { behind: '{"id":"batch_req_torn' })
    expect(await read(answersAsWritten, from)).toBe(lines.join(''))
  })

  it('come in the order of the input, whatever lies between, also over many blocks', async () => {
    // Lines of 0 to 40 kB, far more than one block, in a shuffled order (7 and 300 have no common divisor).
    const shuffled = Array.from({ length: 300 }, (_, at) => (at * 7) % 300)
    const sized = (index: number) => line(index, 0, (index * 977) % 20_000)
    const from = await answerFiles(shuffled.map(sized), [], { total: 500 })
    const ordered = Array.from({ length: 300 }, (_, index) => sized(index)).join('')
    expect((await read(answersInOrder, from)) === ordered).toBe(true)
  })

  it('are none for a batch that has none yet', async () => {
    const from = { ...(await answerFiles([], [])), results: join(root, 'no such file') }
    expect(await read(answersAsWritten, from)).toBe('')
    expect(await read(answersInOrder, { ...from, total: 5 })).toBe('')
  })

  it('are refused when the file is shorter than its mark, or gone', async () => {
    const short = await answerFiles([line(0)], [], { resultsBytes: 10_000 })
    const damaged = { code: 'result_file_damaged' }
    await expect(read(answersAsWritten, short)).rejects.toMatchObject(damaged)
    const gone = { ...short, results: join(root, 'no such file') }
    await expect(read(answersInOrder, gone)).rejects.toMatchObject(damaged)
  })
})

describe('the failures of a batch', () => {
  it('are those that count while a retry runs: neither older generations nor what is answered by now', async () => {
    const failures = [line(4), line(1), line(3), line(1, 1), line(2)]
    const from = await answerFiles([line(0), line(2, 1)], failures, {
      total: 5,
      generations: new Map([
        [1, 1],
        [2, 1],
        [3, 1],
      ]),
    })
    expect(await read(answersAsWritten, from, 'failures')).toBe(line(4) + line(1, 1))
    expect(await read(answersInOrder, from, 'failures')).toBe(line(1, 1) + line(4))
  })
})
