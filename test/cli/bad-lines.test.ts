import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  expectAnswers,
  ids,
  jsonLines,
  MODEL,
  type OutputLine,
  promptOf,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import { createWorkplace, settingsFor, simulate } from '../support/cli.js'

const messages = [{ role: 'user', content: 'hello' }]

interface BadLine {
  readonly what: string
  readonly line: string | Buffer
  readonly code: string
  readonly says: RegExp
  /** Of its error line, when the line has one that can be read. */
  readonly customId?: string
}

const line = (value: object) => JSON.stringify({ custom_id: 'its-own', model: MODEL, messages, ...value })
const batchLine = (value: object) =>
  JSON.stringify({ custom_id: 'its-own', method: 'POST', body: { model: MODEL, messages }, ...value })

const BAD_LINES: readonly BadLine[] = [
  { what: 'no JSON', line: 'tell me a joke', code: 'invalid_json_line', says: /not valid JSON/ },
  {
    what: 'JSON that is cut off',
    line: '{"custom_id": "x", "messages": [',
    code: 'invalid_json_line',
    says: /not valid JSON \(column \d+\)|one complete JSON object/,
  },
  {
    what: "Python's None",
    line: '{"prompt": "x", "user": None}',
    code: 'invalid_json_line',
    says: /None, True, NaN .* not JSON/,
  },
  { what: 'an array', line: '["hello"]', code: 'invalid_request', says: /is an array, not a JSON object/ },
  { what: 'no messages', line: '{"model": "m"}', code: 'invalid_request', says: /no messages/ },
  {
    what: 'a body without messages',
    line: batchLine({ body: { model: MODEL } }),
    code: 'invalid_request',
    says: /body\.messages is missing/,
    customId: 'its-own',
  },
  {
    what: 'empty messages',
    line: line({ messages: [] }),
    code: 'invalid_request',
    says: /messages is empty/,
  },
  {
    what: 'a message without a role',
    line: line({ messages: [{ content: 'hello' }] }),
    code: 'invalid_request',
    says: /messages\[0\]\.role must be a string/,
  },
  {
    what: 'a prompt that is a number',
    line: '{"prompt": 42, "model": "m"}',
    code: 'invalid_request',
    says: /prompt is a number/,
  },
  { what: 'stream: true', line: line({ stream: true }), code: 'stream_not_supported', says: /remove it/ },
  { what: 'no model', line: line({ model: undefined }), code: 'missing_model', says: /--model/ },
  {
    what: 'a model that is a number',
    line: line({ model: 4 }),
    code: 'invalid_request',
    says: /model must be/,
  },
  {
    what: 'another URL',
    line: batchLine({ url: '/v1/embeddings' }),
    code: 'url_mismatch',
    says: /\/v1\/chat/,
  },
  { what: 'another method', line: batchLine({ method: 'GET' }), code: 'method_mismatch', says: /POST/ },
  {
    what: 'an id that is a number',
    line: line({ custom_id: 7 }),
    code: 'invalid_custom_id',
    says: /as a string/,
  },
  {
    what: 'an id that is taken',
    line: line({ custom_id: 'p-1' }),
    code: 'duplicate_custom_id',
    says: /used on line 1 already/,
    customId: 'p-1',
  },
  {
    what: 'Latin-1',
    line: Buffer.from(line({ messages: [{ role: 'user', content: 'café' }] }), 'latin1'),
    code: 'not_utf8',
    says: /UTF-8/,
  },
  {
    what: 'too many bytes',
    line: line({ messages: [{ role: 'user', content: 'x'.repeat(16 * 1024 * 1024) }] }),
    code: 'line_too_long',
    says: /longer than 16 MiB/,
  },
]

/** Good lines with every kind of bad line between them, the first bad one on line 3, a good one last. */
function mixed(): { readonly input: Buffer; readonly numberOf: (bad: BadLine) => number } {
  const good = ids(2).map((id) => JSON.stringify(request(id)))
  const last = JSON.stringify(request('p-3'))
  const lines = [...good, ...BAD_LINES.map((bad) => bad.line), last]
  const input = Buffer.concat(lines.flatMap((one) => [Buffer.from(one), Buffer.from('\n')]))
  return { input, numberOf: (bad) => good.length + BAD_LINES.indexOf(bad) + 1 }
}

describe('lines that can not be sent', () => {
  test('become error lines with their number and what is wrong; the rest goes on, and the exit code is 2', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const { input, numberOf } = mixed()
    await place.write('in.jsonl', input)

    const end = await place.run(['run', 'in.jsonl', '--json'])

    expect(end).toExitWith(2)
    await expectAnswers(place.path('in.results.jsonl'), ids(3))
    expect(simulator.stats()).toMatchObject({ calls: 3, completed: 3 })
    const errors = await readOutput(place.path('in.errors.jsonl'))
    expect(summaryOf(end)).toMatchObject({
      total: BAD_LINES.length + 3,
      completed: 3,
      failed: BAD_LINES.length,
    })
    const byLine = new Map<number | undefined, OutputLine>(errors.map((one) => [one.error?.line, one]))
    expect(byLine.size).toBe(BAD_LINES.length)
    for (const bad of BAD_LINES) {
      const number = numberOf(bad)
      expect(byLine.get(number), bad.what).toMatchObject({
        id: expect.stringMatching(/^batch_req_\w+$/),
        response: null,
        error: { code: bad.code, message: expect.stringMatching(bad.says), line: number },
      })
      if (bad.customId !== undefined) expect(byLine.get(number)?.custom_id).toBe(bad.customId)
    }
    const nameless = byLine.get(numberOf(BAD_LINES[0] as BadLine))
    expect(nameless?.custom_id).toBe('line-3')
  })

  test('with --strict refuse the file: each is listed on stderr, nothing is sent and nothing is left', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const { input, numberOf } = mixed()
    await place.write('in.jsonl', input)

    const end = await place.run(['run', 'in.jsonl', '--strict', '--json'])

    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(end.stderr).toContain(
      `${BAD_LINES.length} lines of in.jsonl can't be sent, so nothing was (--strict)`,
    )
    const listed = end.stderr.split('\n').filter((text) => /^ +line \d+: /.test(text))
    expect(listed).toHaveLength(BAD_LINES.length)
    for (const bad of BAD_LINES) {
      const entry = listed.find((text) => text.trim().startsWith(`line ${numberOf(bad)}: `))
      expect(entry, bad.what).toMatch(bad.says)
    }
    expect(simulator.stats().calls).toBe(0)
    expect((await readdir(place.directory)).filter((name) => name.startsWith('in.'))).toEqual(['in.jsonl'])
    expect(await readdir(join(place.dataDir, 'batches'))).toEqual([])

    const withoutBad = jsonLines([...ids(3).map((id) => request(id)), { prompt: promptOf('line-4') }])
    await place.write('in.jsonl', withoutBad)
    const mended = await place.run(['run', 'in.jsonl', '--strict', '--model', MODEL])
    expect(mended).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), [...ids(3), 'line-4'])
  })

  test('are all there is: the batch ends with failures and no call, and an empty results file', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', 'one\n\ntwo\n')
    expect(await place.run(['run', 'in.jsonl'])).toExitWith(2)
    expect((await readOutput(place.path('in.errors.jsonl'))).map(({ error }) => error?.line)).toEqual([1, 3])
    expect(await readOutput(place.path('in.results.jsonl'))).toEqual([])
    expect(simulator.stats().calls).toBe(0)
  })

  test('a thousand of them under --strict are all listed', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    await place.write('in.jsonl', `${'{"model": "m"}\n'.repeat(1000)}${requests(1)}`)
    const { code, stderr } = await place.run(['run', 'in.jsonl', '--strict'])
    expect(code).toBe(1)
    expect(stderr.match(/^ +line \d+: /gm)).toHaveLength(1000)
    expect(existsSync(place.path('in.results.jsonl'))).toBe(false)
  })
})
