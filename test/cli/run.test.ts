import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  contentOf,
  expectAnswers,
  ids,
  idsOf,
  jsonLines,
  linesIn,
  MODEL,
  promptOf,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import { type CliProcess, createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { recordCalls } from '../support/receivers.js'

describe('the input', () => {
  test('may mix the three forms of lines, with a BOM, CRLF, blank lines and no newline at the end', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const user = (id: string) => [{ role: 'user', content: promptOf(id) }]
    const openai = { method: 'POST', url: '/v1/chat/completions' }
    const lines = [
      JSON.stringify({ custom_id: 'openai', ...openai, body: { model: MODEL, messages: user('openai') } }),
      '',
      JSON.stringify({ custom_id: 'bare', model: MODEL, messages: user('bare') }),
      ' \t ',
      JSON.stringify({ model: MODEL, messages: user('line-5') }),
      JSON.stringify({ prompt: promptOf('line-6') }),
      JSON.stringify({ custom_id: 'prompt', prompt: promptOf('prompt') }),
      JSON.stringify({ ...openai, body: { messages: user('line-8') } }),
    ]
    await place.write('mixed.jsonl', `\ufeff${lines.join('\r\n')}`)

    const end = await place.run(['run', 'mixed.jsonl', '--model', 'gpt-4o', '--json'])

    expect(end).toExitWith(0)
    const answered = ['openai', 'bare', 'line-5', 'line-6', 'prompt', 'line-8']
    const answers = await expectAnswers(place.path('mixed.results.jsonl'), answered)
    const models = answers.map(({ custom_id, response }) => [custom_id, response?.body.model])
    expect(Object.fromEntries(models)).toMatchObject({ bare: MODEL, 'line-6': 'gpt-4o', 'line-8': 'gpt-4o' })
    expect(existsSync(place.path('mixed.errors.jsonl'))).toBe(false)
    expect(simulator.stats()).toMatchObject({ calls: 6, completed: 6 })
  })

  test('may be gzip, and its output is named after it', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    await place.write('big.jsonl.gz', gzipSync(requests(5)))
    expect(await place.run(['run', 'big.jsonl.gz'])).toExitWith(0)
    await expectAnswers(place.path('big.results.jsonl'), ids(5))
  })

  test('may be stdin, with --output', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const args = ['run', '-', '--output', 'answers.jsonl', '--json']
    const first = await place.run(args, { stdin: requests(5) })
    expect(first).toExitWith(0)
    await expectAnswers(place.path('answers.jsonl'), ids(5))

    const again = await place.run(args, { stdin: requests(5) })
    expect(summaryOf(again)).toMatchObject({ batch: summaryOf(first).batch, status: 'completed' })
    expect(simulator.stats().calls).toBe(5)
  })
})

describe('a call', () => {
  test('carries the body as it was written, unknown fields included, and nothing of ours', async () => {
    const conduit = await recordCalls()
    const place = await createWorkplace({
      CONDUIT_API_KEY: 'sk-of-a-test',
      CONDUIT_BASE_URL: conduit.baseUrl,
    })
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
    const body = {
      model: 'some/model:beta',
      messages: [
        { role: 'system', content: 'Grüße, 世界 👋 \u2028 \\ "quoted"' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: '' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters } }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: {} } },
      seed: 42,
      temperature: 0,
      stop: null,
      stream: false,
      metadata: { nested: [[1.5, -1e-7, 9007199254740991], {}, null, false, ''] },
      'x-vendor.field': { prompt: 'not ours', custom_id: 'not ours' },
    }
    const bare = { custom_id: 'bare', ...body }
    const line = {
      custom_id: 'line',
      method: 'POST',
      url: '/v1/chat/completions',
      body: { ...body, seed: 43 },
    }
    const prompt = { custom_id: 'prompt', prompt: 'Why?', seed: 44, tools: [] }
    await place.write('in.jsonl', jsonLines([bare, line, prompt]))

    expect(await place.run(['run', 'in.jsonl', '--model', 'of-the-flag'])).toExitWith(0)

    const sent = new Map(conduit.calls.map((call) => [call.body.seed, call]))
    expect(sent.get(42)?.body).toEqual(body)
    expect(sent.get(43)?.body).toEqual({ ...body, seed: 43 })
    expect(sent.get(44)?.body).toEqual({
      seed: 44,
      tools: [],
      model: 'of-the-flag',
      messages: [{ role: 'user', content: 'Why?' }],
    })
    expect(conduit.calls).toHaveLength(3)
    for (const { method, path, headers } of conduit.calls) {
      expect([method, path]).toEqual(['POST', '/v1/chat/completions'])
      expect(headers).toMatchObject({
        authorization: 'Bearer sk-of-a-test',
        'content-type': 'application/json',
      })
    }
  })

  test('honours --max-attempts, --timeout and the backoff of the command line', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const input = [
      request('always', '[[SERVICE_UNAVAILABLE]]'),
      request('twice', '[[INTERNAL_SERVER_ERROR x2]]'),
      request('silent', '[[HANG x1]]'),
    ]
    await place.write('in.jsonl', jsonLines(input))
    const options = ['--max-attempts', '3', '--timeout', '2', ...QUICK]

    const end = await place.run(['run', 'in.jsonl', ...options, '--json'])

    expect(end).toExitWith(2)
    expect(summaryOf(end)).toMatchObject({ total: 3, completed: 2, failed: 1, retries: 5 })
    await expectAnswers(place.path('in.results.jsonl'), ['twice', 'silent'])
    const [dead] = await readOutput(place.path('in.errors.jsonl'))
    expect(dead).toMatchObject({
      custom_id: 'always',
      response: { status_code: 503, body: { error: { code: 'SERVICE_UNAVAILABLE' } } },
      error: { code: 'retries_exhausted', line: 1 },
    })
    expect(simulator.stats()).toMatchObject({ calls: 8, repeatedCompletions: 0 })
  })
})

describe('the output', () => {
  test('holds OpenAI output lines, and error lines with status, envelope and request id', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    const input = [
      request('good'),
      request('hot', '', { temperature: 9 }),
      request('lost', '', { model: 'no-such' }),
    ]
    await place.write('in.jsonl', jsonLines(input))
    expect(await place.run(['run', 'in.jsonl', '--output', 'answers.jsonl'])).toExitWith(2)
    const [answer] = await readOutput(place.path('answers.jsonl'))
    const requestId = expect.stringMatching(/^req_/) as string
    expect(answer).toEqual({
      id: expect.stringMatching(/^batch_req_\w+$/),
      custom_id: 'good',
      response: {
        status_code: 200,
        request_id: requestId,
        body: {
          id: expect.stringMatching(/^chatcmpl-/),
          object: 'chat.completion',
          created: expect.any(Number),
          model: MODEL,
          choices: [{ index: 0, message: expect.any(Object), finish_reason: 'stop' }],
          usage: expect.any(Object),
        },
      },
      error: null,
    })
    const errors = await readOutput(place.path('answers.errors.jsonl'))
    expect(idsOf(errors)).toEqual(['hot', 'lost'])
    expect(errors.find(({ custom_id }) => custom_id === 'hot')).toEqual({
      id: expect.stringMatching(/^batch_req_\w+$/),
      custom_id: 'hot',
      response: {
        status_code: 400,
        request_id: requestId,
        body: {
          error: {
            code: 'VALIDATION_ERROR',
            message: expect.any(String),
            details: { fields: { temperature: expect.any(String) } },
            timestamp: expect.any(String),
            requestId,
          },
        },
      },
      error: null,
    })
    expect(errors.find(({ custom_id }) => custom_id === 'lost')?.response).toMatchObject({
      status_code: 404,
      body: { error: { code: 'CHAT_MODEL_NOT_FOUND' } },
    })
  })

  test('is readable while it grows, and gets its final name when it is complete', async () => {
    const conduit = await recordCalls(({ body }) => JSON.stringify(body).includes(promptOf('p-5')))
    const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', `${requests(5)}not JSON\n`)
    const cli = place.start(['run', 'in.jsonl'])

    const partial = place.path('in.results.jsonl.partial')
    await cli.until('four answers can be read', async () => (await linesIn(partial)) === 4)
    const failures = place.path('in.errors.jsonl.partial')
    await cli.until('so can a failure', async () => (await linesIn(failures)) === 1)
    expect(idsOf(await readOutput(partial))).toEqual(ids(4))
    expect(idsOf(await readOutput(failures))).toEqual(['line-6'])
    expect(existsSync(place.path('in.results.jsonl'))).toBe(false)
    expect(existsSync(place.path('in.errors.jsonl'))).toBe(false)
    conduit.release()

    expect(await cli.ended).toExitWith(2)
    const files = (await readdir(place.directory)).filter((name) => name.startsWith('in.'))
    expect(files.sort()).toEqual(['in.errors.jsonl', 'in.jsonl', 'in.results.jsonl'])
    await expectAnswers(place.path('in.results.jsonl'), ids(5))
  })
})

describe('what it prints', () => {
  test('with --json is exactly the documented object, as the last line of stdout', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', `${requests(3)}{"custom_id":"bad"}\n`)

    const end = await place.run(['run', 'in.jsonl', '--json'])

    const summary = summaryOf(end)
    const usage = { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) }
    expect(summary).toEqual({
      batch: expect.stringMatching(/^b[0-9a-f]{12}$/),
      status: 'completed',
      total: 4,
      completed: 3,
      failed: 1,
      unfinished: 0,
      brake: null,
      overBudget: null,
      costCents: null,
      retries: 0,
      throttled: 0,
      pauses: 0,
      durationMs: expect.any(Number),
      output: place.path('in.results.jsonl'),
      errors: place.path('in.errors.jsonl'),
      usage: { ...usage, total_tokens: expect.any(Number) },
    })
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = summary.usage
    expect(total_tokens).toBe(prompt_tokens + completion_tokens)
    expect(prompt_tokens).toBeGreaterThan(0)
    expect(Number.isInteger(summary.durationMs) && summary.durationMs > 0).toBe(true)
    expect(end.stdout).toBe(`${JSON.stringify(summary)}\n`)
    expect(end.stderr).toContain('3 answered, 1 failed')
  })

  test('tells people how it goes, and what came of it; without failures it names no errors file', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    await place.write('in.jsonl', requests(3))
    const { stdout, stderr } = await place.run(['run', 'in.jsonl'])
    expect(stderr).toMatch(/^\d of 3 \(\d+%\).* in flight/m)
    expect(stdout).toContain('3 requests, all answered')
    expect(stdout).toContain(place.path('in.results.jsonl'))
    expect(stdout + stderr).not.toContain('errors.jsonl')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours and cursor movements begin with one
    expect(stdout + stderr).not.toMatch(/\u001b/)
    expect(summaryOf(await place.run(['run', 'in.jsonl', '--json'])).errors).toBe(null)
  })

  test('never holds a prompt, an answer or the key, nor do the logs; the key is in no file', async () => {
    const place = await createWorkplace({
      ...settingsFor(await simulate({ apiKeys: ['sk-very-secret'] })),
      CONDUIT_API_KEY: 'sk-very-secret',
      CONDUIT_BATCH_LOG_LEVEL: 'trace',
    })
    const input = [request('a', 'tell-nobody'), request('b', 'tell-nobody [[BAD_REQUEST]]')]
    await place.write('in.jsonl', `${jsonLines(input)}{"prompt": tell-nobody}\n`)

    const { stdout, stderr } = await place.run(['run', 'in.jsonl'])

    const [answer] = await readOutput(place.path('in.results.jsonl'))
    expect(answer && contentOf(answer)).toContain('tell-nobody')
    expect(stderr).toContain('completion.completed')
    expect(stdout + stderr).not.toMatch(/tell-nobody|Simulated answer|sk-very-secret/)
    expect(await filesHolding(place.directory, 'sk-very-secret')).toEqual([])
    expect(await filesHolding(place.dataDir, 'tell-nobody')).not.toEqual([])
  })
})

test('a queue of its own and a data directory of its own can be named', async () => {
  const place = await createWorkplace(settingsFor(await simulate()))
  await place.write('in.jsonl', requests(3))
  const named: CliProcess = place.start(['run', 'in.jsonl', '--queue', 'nightly', '--data-dir', 'elsewhere'])
  expect(await named.ended).toExitWith(0)
  expect(existsSync(place.dataDir)).toBe(false)
  const status = await place.run(['status', '--json', '--data-dir', 'elsewhere'])
  expect(JSON.parse(status.stdout)).toMatchObject({
    batches: [{ queue: 'nightly', state: 'completed', completed: 3 }],
  })
})

async function filesHolding(directory: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && (await readFile(path, 'utf8')).includes(text)) found.push(path)
  }
  return found
}
