import { execFileSync } from 'node:child_process'
import {
  appendFile,
  chmod,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Chunk, openChunks } from '../../src/batches/input/chunks.js'
import { contentDigest } from '../../src/batches/input/content-digest.js'
import {
  InputChanged,
  InputEmpty,
  InputNotFound,
  InputUnreadable,
  StagingDamaged,
} from '../../src/batches/input/input-errors.js'
import { type RejectedLine, readRejects } from '../../src/batches/input/rejects.js'
import { type InputSource, openSource } from '../../src/batches/input/source.js'
import { type StageOptions, stageInput } from '../../src/batches/input/stage.js'

let directory: string
let spoolDir: string
let stageDir: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stage-'))
  spoolDir = join(directory, 'spool')
  stageDir = join(directory, 'batch')
})

afterEach(() => rm(directory, { recursive: true, force: true }))

async function* from(...buffers: Array<Buffer | string>) {
  for (const buffer of buffers) yield Buffer.from(buffer)
}

const open = (input: string, stdin = from()) => openSource(input, { spoolDir, stdin })

async function write(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(directory, name), content)
  return join(directory, name)
}

const prompt = (text: string, customId?: string) =>
  JSON.stringify({ custom_id: customId, model: 'm', prompt: text })
const prompts = (count: number) =>
  Array.from({ length: count }, (_, n) => `${prompt(`Question ${n}?`)}\n`).join('')

async function stage(source: InputSource, more: Partial<StageOptions> = {}) {
  return stageInput({ source, model: null, directory: stageDir, ...more })
}

async function stageText(text: string | Buffer, more: Partial<StageOptions> = {}) {
  const source = await open(await write('prompts.jsonl', text))
  return { source, staged: await stage(source, more) }
}

const reader = (source: { path: string }, model: string | null = null) =>
  openChunks({ directory: stageDir, sourcePath: source.path, model })

async function readAll(source: InputSource, model: string | null = null): Promise<Chunk[]> {
  const chunks = await reader(source, model)
  const all: Chunk[] = []
  for (let found = await chunks.read({ at: 0 }); found !== null; found = await chunks.read(found.next)) {
    all.push(found.chunk)
  }
  await chunks.close()
  return all
}

async function rejectsOf(): Promise<RejectedLine[]> {
  const all: RejectedLine[] = []
  for await (const reject of readRejects(stageDir)) all.push(reject)
  return all
}

describe('opening an input', () => {
  it('leaves a plain file where it is', async () => {
    const path = await write('prompts.jsonl', prompts(3))
    expect(await open(path)).toEqual({
      path,
      spooled: false,
      bytes: prompts(3).length,
      seen: expect.any(String),
    })
    await expect(readdir(spoolDir)).rejects.toThrow('ENOENT')
  })

  it('spools gzip, by its name or by its first bytes, as the plain text it holds', async () => {
    const text = prompts(2000)
    const members = Buffer.concat([gzipSync(text.slice(0, 5000)), gzipSync(text.slice(5000))])
    for (const path of [await write('a.jsonl.gz', gzipSync(text)), await write('no-name', members)]) {
      const source = await open(path)
      expect(source).toMatchObject({ spooled: true, bytes: text.length })
      expect(await readFile(source.path, 'utf8')).toBe(text)
    }
    expect(await readdir(spoolDir)).toEqual(['input.jsonl'])
  })

  it('spools stdin, plain or gzip, however it is cut', async () => {
    const text = prompts(20)
    const packed = gzipSync(text)
    for (const stdin of [
      from(text),
      from('', text.slice(0, 1), '', text.slice(1)),
      from(packed.subarray(0, 1), packed.subarray(1, 2), packed.subarray(2)),
    ]) {
      const source = await open('-', stdin)
      expect(source).toMatchObject({ spooled: true, bytes: text.length })
      expect(await readFile(source.path, 'utf8')).toBe(text)
    }
  })

  it('spools a named pipe, which can be read only once', async () => {
    const path = join(directory, 'pipe')
    execFileSync('mkfifo', [path])
    const [source] = await Promise.all([open(path), writeFile(path, prompts(3))])
    expect(source.spooled).toBe(true)
    expect(await readFile(source.path, 'utf8')).toBe(prompts(3))
  })

  it.each([
    [
      'cut short',
      (packed: Buffer) => packed.subarray(0, -10),
      'broken gzip (cut short or damaged). Nothing of it was used; make or fetch it again',
    ],
    [
      'cut in its head',
      (packed: Buffer) => packed.subarray(0, 3),
      'broken gzip (cut short or damaged). Nothing of it was used; make or fetch it again',
    ],
    [
      'damaged',
      (packed: Buffer) => Buffer.from(packed).fill(0xff, 20, 40),
      'broken gzip (cut short or damaged). Nothing of it was used; make or fetch it again',
    ],
    ['plain text', () => Buffer.from(prompts(1)), 'no gzip data. If it is plain text, rename it'],
    ['empty', () => Buffer.alloc(0), 'no gzip data. If it is plain text, rename it'],
  ])('says that a .gz file is %s and leaves nothing', async (_name, damage, said) => {
    const path = await write('a.jsonl.gz', damage(gzipSync(prompts(50))))
    const failure = await open(path).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(InputUnreadable)
    expect(failure).toMatchObject({ code: 'input_unreadable', message: expect.stringContaining(said) })
    expect((failure as Error).message).toContain(path)
    expect(await readdir(spoolDir)).toEqual([])
  })

  it('says when there is no file, or it is a directory', async () => {
    await expect(open(join(directory, 'nothing.jsonl'))).rejects.toThrow(InputNotFound)
    await expect(open(join(await write('file', 'x'), 'nothing.jsonl'))).rejects.toThrow(InputNotFound)
    await expect(open(directory)).rejects.toThrow(/it is a directory; name a file/)
    await expect(open(directory)).rejects.toThrow(InputUnreadable)
  })

  it.skipIf(process.getuid?.() === 0)('says when permission is missing', async () => {
    const path = await write('secret.jsonl', prompts(1))
    await chmod(path, 0)
    await expect(open(path)).rejects.toThrow(/permission denied/)
  })

  it('says when stdin fails in the middle, and leaves nothing', async () => {
    async function* failing() {
      yield Buffer.from(prompts(1))
      throw Object.assign(new Error('read EIO'), { code: 'EIO' })
    }
    await expect(open('-', failing())).rejects.toThrow("Can't read stdin: EIO")
    expect(await readdir(spoolDir)).toEqual([])
  })
})

describe('the digest of an input', () => {
  it('is the same for the same content, plain, packed or piped, and what staging finds', async () => {
    const text = `${prompts(1200)}\n \n`
    const { staged } = await stageText(text)
    const packed = gzipSync(text)
    for (const source of [
      await open(await write('plain', text)),
      await open(await write('a.gz', packed)),
      await open('-', from(packed.subarray(0, 7), packed.subarray(7))),
    ]) {
      expect(await contentDigest(source.path)).toBe(staged.digest)
    }
  })

  it.each([
    ['a letter', (text: string) => text.replace('Question 700?', 'Question 7OO?')],
    ['a blank line at the end', (text: string) => `${text}\n`],
    ['a blank line before', (text: string) => `\n${text}`],
    ['a line less', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['no end of line at the end', (text: string) => text.slice(0, -1)],
    ['other line ends', (text: string) => text.replaceAll('\n', '\r\n')],
  ])('is another one: %s', async (_name, change) => {
    const [before, after] = [
      await write('before', prompts(1000)),
      await write('after', change(prompts(1000))),
    ]
    expect(await contentDigest(before)).not.toBe(await contentDigest(after))
  })
})

describe('staging', () => {
  it('counts every line that is not blank and lists what is wrong with the rejected ones', async () => {
    const text = [
      prompt('one', 'a'),
      '',
      'no json',
      prompt('two', 'a'),
      '{"custom_id":"s","model":"m","messages":[{"role":"user"}],"stream":true}',
      prompt('three'),
      prompt('four', 'line-9'),
      Buffer.from('"caf\xe9"', 'latin1'),
      prompt('five'),
    ]
    const { staged } = await stageText(
      Buffer.concat(text.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])),
    )
    expect(staged).toMatchObject({
      total: 8,
      valid: 3,
      rejected: 5,
      rejectedByCode: { invalid_json_line: 1, duplicate_custom_id: 2, stream_not_supported: 1, not_utf8: 1 },
    })
    const found = (await rejectsOf()).map(({ index, customId, problem }) => [
      index,
      customId,
      problem.line,
      problem.code,
    ])
    expect(found).toEqual([
      [1, null, 3, 'invalid_json_line'],
      [2, 'a', 4, 'duplicate_custom_id'],
      [3, 's', 5, 'stream_not_supported'],
      [6, null, 8, 'not_utf8'],
      [7, 'line-9', 9, 'duplicate_custom_id'],
    ])
    expect(staged.firstProblems[1]).toMatchObject({
      customId: 'a',
      message: expect.stringContaining('line 1 '),
    })
    expect(staged.firstProblems[4]).toMatchObject({ message: expect.stringContaining('line 7 ') })
  })

  it('gives the first 20 problems, and all of them when asked', async () => {
    const { staged } = await stageText('nonsense\n'.repeat(1234))
    expect(staged.firstProblems.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
    expect((await rejectsOf()).map(({ index }) => index)).toEqual(Array.from({ length: 1234 }, (_, n) => n))
  })

  it('fills in the model, for reading too', async () => {
    const { source, staged } = await stageText('{"prompt":"x"}\n', { model: 'given' })
    expect(staged.valid).toBe(1)
    expect((await readAll(source, 'given'))[0]?.requests[0]?.body.model).toBe('given')
  })

  it('rejects a line over 16 MiB and goes on after it', async () => {
    const long = `{"model":"m","prompt":"${'x'.repeat(17 * 1024 * 1024)}"}`
    const { source, staged } = await stageText(`${prompt('a')}\n${long}\n${prompt('b')}`)
    expect(staged).toMatchObject({ total: 3, valid: 2, rejectedByCode: { line_too_long: 1 } })
    expect((await readAll(source)).flatMap(({ requests }) => requests).map(({ line }) => line)).toEqual([
      1, 3,
    ])
  })

  it.each([
    ['nothing', ''],
    ['blank lines', '\n \r\n\t'],
    ['a BOM', '\ufeff'],
  ])('refuses an input of %s', async (_name, text) => {
    const refused = stageText(text)
    await expect(refused).rejects.toThrow(InputEmpty)
    await expect(refused).rejects.toThrow(/prompts\.jsonl is empty.*at least one request/)
    expect(await readdir(stageDir)).toEqual([])
  })

  it('refuses a file that changed since it was opened', async () => {
    const source = await open(await write('prompts.jsonl', prompts(5)))
    await appendFile(source.path, prompts(1))
    await expect(stage(source)).rejects.toThrow(InputChanged)
    expect(await readdir(stageDir)).toEqual([])
  })

  it('refuses a file that was written to after it was opened, though its size is the same', async () => {
    const source = await open(await write('prompts.jsonl', prompts(5)))
    await writeFile(source.path, prompts(5).replace('Question 3?', 'Question 4?'))
    await utimes(source.path, new Date(), new Date(Date.now() + 5000))
    await expect(stage(source)).rejects.toThrow(/changed while it was read. Nothing was sent/)
  })

  it('refuses a file that holds something else than what was looked up before', async () => {
    const source = await open(await write('prompts.jsonl', prompts(5)))
    const expected = await contentDigest(await write('other.jsonl', prompts(6)))
    await expect(stage(source, { expected })).rejects.toThrow(InputChanged)
    expect((await stage(source, { expected: await contentDigest(source.path) })).total).toBe(5)
  })

  it('finds repeated ids wherever they are, and counts each line for its first problem', async () => {
    const ids = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.boolean()), { minLength: 1, maxLength: 80 })
    const property = fc.asyncProperty(ids, fc.integer({ min: 1, max: 9 }), async (lines, requests) => {
      const text = lines.map(([id, good]) =>
        good ? prompt('x', `id-${id}`) : `{"custom_id":"id-${id}","model":"m"}`,
      )
      const limits = { requests, bytes: 1e6 }
      const { source, staged } = await stageText(`${text.join('\n')}\n`, { limits })
      const expected = lines.flatMap(([id, good], at) => {
        const first = lines.findIndex(([other]) => other === id)
        const repeats = good && first < at
        if (good && !repeats) return []
        const message = repeats ? `used on line ${first + 1} already` : 'There are no messages'
        return [{ line: at + 1, customId: `id-${id}`, message: expect.stringContaining(message) }]
      })
      expect(staged.firstProblems).toMatchObject(expected.slice(0, 20))
      expect(staged.rejected).toBe(expected.length)
      const rejected = (await rejectsOf()).map(({ index, customId, problem: { line, message } }) => {
        expect(index).toBe(line - 1)
        return { line, customId, message }
      })
      expect(rejected).toEqual(expected)
      const read = await readAll(source)
      expect(read.flatMap((chunk) => chunk.requests).length).toBe(staged.valid)
      expect(await readdir(stageDir)).toEqual(['chunks.jsonl'])
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it('reports the bytes read, up to the last', async () => {
    const progress: number[] = []
    const { staged } = await stageText(prompts(20_000), { onProgress: (bytes) => progress.push(bytes) })
    expect(progress.length).toBeGreaterThan(3)
    expect(progress.at(-1)).toBe(staged.bytes)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
  })

  it('gives the same rows each time', async () => {
    const { source } = await stageText(prompts(1200))
    const rows = await readFile(join(stageDir, 'chunks.jsonl'), 'utf8')
    await stage(source)
    expect(await readFile(join(stageDir, 'chunks.jsonl'), 'utf8')).toBe(rows)
    expect(await readdir(stageDir)).toEqual(['chunks.jsonl'])
  })
})

describe('chunks', () => {
  it('hold at most 500 requests and about 1 MiB', async () => {
    const text = prompts(1100) + Array.from({ length: 30 }, () => `${prompt('x'.repeat(100_000))}\n`).join('')
    const { source } = await stageText(text)
    const chunks = await readAll(source)
    expect(chunks.slice(0, 2).map(({ count }) => count)).toEqual([500, 500])
    for (const { bytes } of chunks) expect(bytes).toBeLessThan(1024 * 1024 + 100_100)
    expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(1130)
  })

  it('are found by the index of any request in them, whatever the rows hold', async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => (n % 7 === 0 ? 'nonsense\n' : `${prompt(`${n}`)}\n`))
    const { source } = await stageText(lines.join(''), { limits: { requests: 13, bytes: 1e6 } })
    const chunks = await reader(source)
    for (let index = 0; index < 3000; index += 5) {
      const found = await chunks.find(index)
      const { requests, rejects } = found?.chunk ?? { requests: [], rejects: [] }
      const request = requests.find((request) => request.index === index)
      if (index % 7 === 0) expect(rejects.some((reject) => reject.index === index)).toBe(true)
      else expect(request?.body.messages).toEqual([{ role: 'user', content: `${index}` }])
    }
    expect(await chunks.find(3000)).toBeNull()
    expect(await chunks.find(-1)).toBeNull()
    await chunks.close()
  })

  it('go on from a cursor that was kept', async () => {
    const { source } = await stageText(prompts(1200))
    const before = await reader(source)
    const kept = JSON.stringify((await before.read({ at: 0 }))?.next)
    await before.close()
    const after = await reader(source)
    expect((await after.read(JSON.parse(kept)))?.chunk).toMatchObject({ first: 500, count: 500 })
    await after.close()
  })

  it('come back, whatever was in the lines and however they were cut', async () => {
    const line = fc.oneof(
      fc.record({
        kind: fc.constant('request' as const),
        text: fc.string({ unit: 'grapheme', maxLength: 40 }),
      }),
      fc.record({
        kind: fc.constant('bad' as const),
        text: fc.constantFrom('nonsense', '{"model":"m"}', '[]', '\xff'),
      }),
      fc.record({ kind: fc.constant('blank' as const), text: fc.constantFrom('', ' ', '\t ') }),
    )
    const file = fc.record({
      lines: fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n'))),
      bom: fc.boolean(),
      ended: fc.boolean(),
      cuts: fc.array(fc.nat({ max: 3000 }), { maxLength: 8 }),
      limits: fc.record({
        requests: fc.integer({ min: 1, max: 6 }),
        bytes: fc.integer({ min: 1, max: 500 }),
      }),
    })
    const property = fc.asyncProperty(file, async ({ lines, bom, ended, cuts, limits }) => {
      const pieces = lines.map(([{ kind, text }, eol], at) => {
        const last = at === lines.length - 1
        const bytes =
          text === '\xff' ? Buffer.from([0xff]) : Buffer.from(kind === 'request' ? prompt(text) : text)
        return Buffer.concat([bytes, Buffer.from(last && !ended ? '' : eol)])
      })
      const whole = Buffer.concat([Buffer.from(bom ? '\ufeff' : ''), ...pieces])
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length]
      const source = await open('-', from(...at.slice(1).map((end, i) => whole.subarray(at[i], end))))
      const expected = lines
        .map(([{ kind, text }], i) => ({ kind, text, line: i + 1 }))
        .filter(({ kind }) => kind !== 'blank')
        .map((entry, index) => ({ ...entry, index }))
      if (expected.length === 0)
        return void (await expect(stage(source, { limits })).rejects.toThrow(InputEmpty))

      const staged = await stage(source, { limits })
      const chunks = await readAll(source)
      expect(staged.total).toBe(expected.length)
      expect(chunks.flatMap(({ requests }) => requests)).toEqual(
        expected
          .filter(({ kind }) => kind === 'request')
          .map(({ index, line, text }) => ({
            index,
            line,
            customId: `line-${line}`,
            body: { model: 'm', messages: [{ role: 'user', content: text }] },
            bytes: expect.any(Number),
          })),
      )
      const rejects = chunks.flatMap((chunk) => chunk.rejects)
      expect(rejects.map(({ index, problem }) => [index, problem.line])).toEqual(
        expected.filter(({ kind }) => kind === 'bad').map(({ index, line }) => [index, line]),
      )
      expect(await rejectsOf()).toEqual(rejects)
      expect(chunks.map(({ first }) => first)).toEqual(
        chunks.map((_, i) => chunks.slice(0, i).reduce((sum, { count }) => sum + count, 0)),
      )
      for (const chunk of chunks) expect(chunk.requests.length + chunk.rejects.length).toBe(chunk.count)
    })
    await fc.assert(property, { numRuns: 150 })
  }, 60_000)

  it('come back over the buffers that a large file is read in', async () => {
    const sizes = Array.from({ length: 4000 }, (_, n) => (n * 7919) % 1500)
    const { source } = await stageText(
      sizes.map((size, n) => `${prompt(`${n}:${'é'.repeat(size / 2)}`)}\r\n`).join(''),
    )
    const requests = (await readAll(source)).flatMap((chunk) => chunk.requests)
    expect(requests.map(({ index, line, body }) => [index, line, body.messages])).toEqual(
      sizes.map((size, n) => [n, n + 1, [{ role: 'user', content: `${n}:${'é'.repeat(size / 2)}` }]]),
    )
  })
})

describe('a file that was edited while its batch runs', () => {
  const edit = (text: string) => text.replace('Question 700?', 'Question 7OO?')

  it('gives none of the requests in the edited part, says which lines, and goes on when restored', async () => {
    const { source } = await stageText(prompts(1500))
    const chunks = await reader(source)
    const first = await chunks.read({ at: 0 })
    await writeFile(source.path, edit(prompts(1500)))
    const refused = chunks.read(first?.next ?? { at: 0 })
    await expect(refused).rejects.toThrow(InputChanged)
    await expect(refused).rejects.toMatchObject({ code: 'input_changed' })
    await expect(refused).rejects.toThrow(/prompts\.jsonl.*lines 501–1000.*Restore the file/)
    await expect(chunks.find(700)).rejects.toThrow(InputChanged)
    expect((await chunks.find(1200))?.chunk.first).toBe(1000)

    const restored = await write('copy', prompts(1500))
    await rename(restored, source.path)
    expect((await chunks.read(first?.next ?? { at: 0 }))?.chunk.first).toBe(500)
    await chunks.close()
  })

  it.each([
    ['a line put in before', (text: string) => `\n${text}`],
    ['a line taken out', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['two lines swapped', (text: string) => text.replace(/^(.*\n)(.*\n)/, '$2$1')],
    ['other line ends', (text: string) => text.replaceAll('\n', '\r\n')],
    ['a million short lines', () => '1\n'.repeat(1_000_000)],
  ])('is noticed: %s', async (_name, change) => {
    const { source } = await stageText(prompts(600))
    await writeFile(source.path, change(prompts(600)))
    const chunks = await reader(source)
    await expect(chunks.read({ at: 0 })).rejects.toThrow(InputChanged)
    await chunks.close()
  })

  it('is noticed when it is cut or gone, and may grow', async () => {
    const { source } = await stageText(prompts(600))
    await appendFile(source.path, 'more\n')
    expect((await readAll(source)).length).toBe(2)
    await truncate(source.path, 100)
    await expect(readAll(source)).rejects.toThrow(InputChanged)
    await rm(source.path)
    await expect(readAll(source)).rejects.toThrow(/is gone/)
    await expect(readAll(source)).rejects.toThrow(InputChanged)
  })
})

describe('chunks.jsonl', () => {
  it('says so when it is missing, damaged or read at a wrong place', async () => {
    await expect(reader({ path: 'x' })).rejects.toThrow(StagingDamaged)
    await expect(rejectsOf()).rejects.toThrow(StagingDamaged)
    const { source } = await stageText(prompts(600))
    const chunks = await reader(source)
    await expect(chunks.read({ at: 5 })).rejects.toMatchObject({ code: 'staging_damaged' })
    await truncate(join(stageDir, 'chunks.jsonl'), 30)
    await expect(chunks.read({ at: 0 })).rejects.toThrow(StagingDamaged)
    await chunks.close()
  })
})
