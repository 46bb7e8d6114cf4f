import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inherit, type Legacy } from '../../src/batches/inherit/inherit.js'
import { readRequests } from '../../src/batches/inherit/take-over.js'
import { readRequestIndex } from '../../src/batches/input/request-index.js'
import { openSource } from '../../src/batches/input/source.js'
import { stageInput } from '../../src/batches/input/stage.js'
import { answerLine, errorLine } from '../../src/completions/output-line.js'
import { unfinishedLine } from '../../src/completions/unfinished.js'
import { jsonLines, readOutput } from '../support/batch-files.js'
import { REFUSAL } from '../support/endings.js'

const OLD = 'b00000000000a'
const HEIR = 'b00000000000b'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cb-inherit-'))
})
afterEach(() => rm(root, { recursive: true }))

interface Line {
  readonly custom_id: string
  readonly prompt: string
}

/** A staged input, all of it noted. */
async function staged(text: string, model = 'm') {
  const directory = await mkdtemp(join(root, 'batch-'))
  const path = join(directory, 'in.jsonl')
  await writeFile(path, text)
  const source = await openSource(path, { spoolDir: directory, stdin: (async function* () {})() })
  const { total } = await stageInput({ source, model, directory })
  const requests = await readRequests(directory, source, model)
  return { directory, total, requests }
}

/** Ended requests of an old batch: `[index, generation, custom_id]`. */
interface Ends {
  readonly answered?: readonly [number, number, string][]
  readonly failed?: readonly [number, number, string][]
  readonly generations?: readonly [number, number][]
  /** Ended only with their batch. */
  readonly unfinished?: readonly [number, number, string][]
}

async function legacy(text: string, ends: Ends): Promise<Legacy> {
  const { answered = [], failed = [], generations = [], unfinished = [] } = ends
  const { directory } = await staged(text)
  const place = (index: number, generation: number) => ({ batch: OLD, index, generation })
  const answers = answered.map(([index, generation, id]) =>
    answerLine(place(index, generation), id, { requestId: null, body: { choices: [], for: id } }),
  )
  const failures = failed.map(([index, generation, id]) =>
    errorLine(place(index, generation), id, REFUSAL, {
      code: 'retries_exhausted',
      message: 'x',
      line: index + 1,
    }),
  )
  const write = async (name: string, lines: readonly string[]) => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    await writeFile(join(directory, name), bytes)
    return { path: join(directory, name), bytes: bytes.length }
  }
  return {
    batch: OLD,
    requests: (await readRequestIndex(directory)) ?? new Uint32Array(),
    results: await write('results.jsonl', answers),
    errors: await write('errors.jsonl', [
      ...failures,
      ...unfinished.map(([index, generation, customId]) =>
        unfinishedLine(place(index, generation), { customId, line: index + 1 }, 'batch_cancelled'),
      ),
    ]),
    generations: new Map(generations),
  }
}

async function linesOf(directory: string, name: string) {
  return readOutput(join(directory, name)).catch(() => [])
}

/** What an heir with this input takes over. */
async function takenOver(text: string, legacies: readonly Legacy[], model = 'm') {
  const heir = { batch: HEIR, ...(await staged(text, model)) }
  const inherited = await inherit(heir, legacies)
  return {
    ...inherited,
    answers: await linesOf(heir.directory, 'results.jsonl'),
    failures: await linesOf(heir.directory, 'errors.jsonl'),
  }
}

const line = (custom_id: string, prompt = custom_id): Line => ({ custom_id, prompt })

describe('inheriting', () => {
  it('leaves open what only the cancel of the old batch has ended', async () => {
    const text = jsonLines([line('a'), line('b')])
    const old = await legacy(text, { failed: [[0, 0, 'a']], unfinished: [[1, 0, 'b']] })
    const taken = await takenOver(text, [old])
    expect(taken).toMatchObject({ kept: 0, keptFailed: 1, failures: [{ custom_id: 'a' }] })
  })

  const few = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')
  const lines = fc.uniqueArray(fc.record({ custom_id: few, prompt: fc.constantFrom('x', 'y') }), {
    selector: ({ custom_id }) => custom_id,
    minLength: 1,
  })

  it('keeps exactly the ends of requests whose custom_id and body are unchanged, each once', async () => {
    const ends = fc.array(fc.constantFrom('answered', 'failed', 'open'), { minLength: 6, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(lines, ends, lines, async (old, ends, edited) => {
        const of = (kind: string) =>
          old.flatMap(({ custom_id }, index): [number, number, string][] =>
            ends[index] === kind ? [[index, 0, custom_id]] : [],
          )
        const taken = await takenOver(jsonLines(edited), [
          await legacy(jsonLines(old), { answered: of('answered'), failed: of('failed') }),
        ])
        const unchanged = (kind: string) =>
          edited.flatMap(({ custom_id, prompt }, index) => {
            const was = old.findIndex((one) => one.custom_id === custom_id && one.prompt === prompt)
            return was >= 0 && ends[was] === kind ? [`batch_req_${HEIR}_${index}_0 ${custom_id}`] : []
          })
        const found = (all: readonly { id: string; custom_id: string }[]) =>
          all.map(({ id, custom_id }) => `${id} ${custom_id}`).sort()
        expect(found(taken.answers)).toEqual(unchanged('answered').sort())
        expect(found(taken.failures)).toEqual(unchanged('failed').sort())
        expect(taken).toMatchObject({ kept: taken.answers.length, keptFailed: taken.failures.length })
      }),
      { numRuns: 25 },
    )
  })

  it('sees through another form, other spaces and other escapes of the same request', async () => {
    const old = await legacy(jsonLines([line('a', 'é'), line('b')]), {
      answered: [
        [0, 0, 'a'],
        [1, 0, 'b'],
      ],
    })
    const messages = '[ {"role":"user",  "content":"\\u00e9"} ]'
    const { answers } = await takenOver(
      `\n{"messages":${messages},"custom_id":"a"}\n${jsonLines([line('b')])}`,
      [old],
    )
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(['a', 'b'])
  })

  it('takes another --model for another body, where the line names none', async () => {
    const named = { ...line('named'), model: 'm' }
    const old = await legacy(jsonLines([line('a'), named]), {
      answered: [
        [0, 0, 'a'],
        [1, 0, 'named'],
      ],
    })
    const { answers } = await takenOver(jsonLines([line('a'), named]), [old], 'other')
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(['named'])
  })

  it('mends the line of a failure and leaves the rest of it as it was', async () => {
    const old = await legacy(jsonLines([line('a')]), { failed: [[0, 0, 'a']] })
    const before = await readOutput(old.errors?.path ?? '')
    const { failures } = await takenOver(`\n\n${jsonLines([line('new'), line('a')])}`, [old])
    expect(failures).toEqual([
      { ...before[0], id: `batch_req_${HEIR}_1_0`, error: { ...before[0]?.error, line: 4 } },
    ])
  })

  it('leaves out what was retried since: an answer wins, a retry that is open is open', async () => {
    const old = await legacy(jsonLines(['a', 'b', 'c', 'd'].map((id) => line(id))), {
      failed: [
        [0, 0, 'a'],
        [1, 0, 'b'],
        [2, 0, 'c'],
        [2, 1, 'c'],
        [3, 0, 'd'],
      ],
      answered: [[0, 1, 'a']],
      // What Redis knows: b is open; of c it has forgotten.
      generations: [
        [0, 1],
        [1, 1],
      ],
    })
    const { answers, failures } = await takenOver(jsonLines(['a', 'b', 'c', 'd'].map((id) => line(id))), [
      old,
    ])
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(['a'])
    expect(failures.map(({ custom_id }) => custom_id)).toEqual(['c', 'd'])
  })

  it('takes from the newest batch first, from older ones what that has not', async () => {
    const older = await legacy(jsonLines([line('a'), line('b')]), {
      answered: [
        [0, 0, 'a'],
        [1, 0, 'b'],
      ],
    })
    const newer = await legacy(jsonLines([line('a'), line('c')]), {
      answered: [[0, 0, 'a']],
      failed: [[1, 0, 'c']],
    })
    const { answers, failures } = await takenOver(jsonLines([line('c'), line('b'), line('a')]), [
      newer,
      older,
    ])
    expect(answers.map(({ id, custom_id }) => [id, custom_id])).toEqual([
      [`batch_req_${HEIR}_2_0`, 'a'],
      [`batch_req_${HEIR}_1_0`, 'b'],
    ])
    expect(failures.map(({ custom_id }) => custom_id)).toEqual(['c'])
  })

  it('leaves out torn and foreign lines, whatever happened to the file', async () => {
    const old = await legacy(jsonLines([line('a'), line('b')]), { answered: [[0, 0, 'a']] })
    const path = old.results?.path ?? ''
    const whole = await readFile(path, 'utf8')
    await appendFile(path, `not JSON\n{"id":"batch_req_${OLD}_1_0","half\n${whole}${whole.slice(0, -5)}`)
    const results = { path, bytes: (await readFile(path)).length }
    const { answers } = await takenOver(jsonLines([line('a'), line('b')]), [{ ...old, results }])
    expect(answers.map(({ custom_id }) => custom_id)).toEqual(['a'])
  })

  it('never gives a line that can not be sent an end of before', async () => {
    const old = await legacy(jsonLines([line('a'), line('b')]), {
      answered: [
        [0, 0, 'a'],
        [1, 0, 'b'],
      ],
    })
    const { answers } = await takenOver(jsonLines([line('a'), line('a'), { custom_id: 'b' } as Line]), [old])
    expect(answers.map(({ id }) => id)).toEqual([`batch_req_${HEIR}_0_0`])
  })
})
