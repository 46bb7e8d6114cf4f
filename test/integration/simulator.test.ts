import { Agent, request } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { simulateCommand } from '../../src/cli/commands/simulate.js'
import { promptKey } from '../../src/simulator/chat-body.js'
import { CONDUIT_ERRORS } from '../../src/simulator/envelope.js'
import type { SimulatorOptions } from '../../src/simulator/options.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { eventuallyHolds } from '../support/eventually.js'

const MIDNIGHT = Date.UTC(2026, 2, 9)
const running: { close(): Promise<void> }[] = []
const agent = new Agent({ connections: 100, bodyTimeout: 25_000, headersTimeout: 25_000 })

afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.close()))
})

async function start(options: Partial<SimulatorOptions> = {}, now?: () => number): Promise<Simulator> {
  const simulator = await startSimulator(options, now)
  running.push(simulator)
  return simulator
}

interface Ask {
  readonly key?: string | null
  readonly signal?: AbortSignal
  readonly body?: string
}

interface Envelope {
  readonly error: {
    readonly message: string
    readonly code: string
    readonly details?: { readonly fields?: Record<string, string> }
    readonly timestamp: string
    readonly requestId: string
  }
}

function messagesOf(prompt: string) {
  return [{ role: 'user', content: prompt }]
}

function chatBody(prompt: string, more: object = {}): string {
  return JSON.stringify({ model: 'gpt-4o-mini', messages: messagesOf(prompt), ...more })
}

async function send(method: 'GET' | 'POST', url: string, { key = 'sk-simulator', signal, body }: Ask = {}) {
  const answer = await request(url, {
    method,
    dispatcher: agent,
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, headers: answer.headers, text, json: <T>() => JSON.parse(text) as T }
}

function ask(simulator: Simulator, prompt: string, options: Ask = {}) {
  return send('POST', `${simulator.baseUrl}/chat/completions`, { body: chatBody(prompt), ...options })
}

async function codeOf(answer: Promise<{ json<T>(): T }>): Promise<string> {
  return (await answer).json<Envelope>().error.code
}

describe('a chat completion', () => {
  it('has the OpenAI shape, a request id, and the same answer for the same prompt', async () => {
    const simulator = await start()
    const [first, second] = [await ask(simulator, 'What is Redis?'), await ask(simulator, 'What is Redis?')]
    const body = first.json<{ choices: object[]; usage: Record<string, number> }>()
    expect(body).toMatchObject({ object: 'chat.completion', model: 'gpt-4o-mini' })
    expect(body.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: expect.stringContaining('Redis') },
        finish_reason: 'stop',
      },
    ])
    expect(body.usage.total_tokens).toBe(
      (body.usage.prompt_tokens ?? 0) + (body.usage.completion_tokens ?? 0),
    )
    expect(second.json<typeof body>().choices).toEqual(body.choices)
    expect(first.headers['x-request-id']).toMatch(/^req_/)
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id'])
  })

  it('stops at max_tokens', async () => {
    const simulator = await start()
    const answer = await ask(simulator, 'one two three', {
      body: chatBody('one two three', { max_tokens: 2 }),
    })
    const [choice] = answer.json<{ choices: { finish_reason: string; message: { content: string } }[] }>()
      .choices
    expect(choice?.finish_reason).toBe('length')
    expect(choice?.message.content).toHaveLength(8)
  })

  it('takes as long as the options say', async () => {
    const simulator = await start({ latencyMs: { min: 120, max: 140 } })
    const startedAt = performance.now()
    await ask(simulator, 'slow')
    expect(performance.now() - startedAt).toBeGreaterThan(115)
  })
})

describe('the key', () => {
  it.each([
    ['missing', null, 'AUTH_UNAUTHORIZED'],
    ['unknown', 'sk-other', 'API_KEY_INVALID'],
    ['expired', 'sk-old', 'API_KEY_EXPIRED'],
  ])('that is %s is refused everywhere', async (_what, key, code) => {
    const simulator = await start({ expiredApiKeys: ['sk-old'] })
    const answers = await Promise.all([
      ask(simulator, 'hello', { key }),
      send('GET', `${simulator.baseUrl}/models`, { key }),
      send('GET', `${simulator.billingUrl}/balance`, { key }),
      send('GET', `${simulator.billingUrl}/ledger`, { key }),
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(401)
      expect(answer.json<Envelope>().error.code).toBe(code)
    }
  })
})

describe('an error', () => {
  it('comes in the documented envelope, with the request id of its header', async () => {
    const simulator = await start()
    const answer = await ask(simulator, 'hello', { key: 'sk-wrong' })
    const { error } = answer.json<Envelope>()
    expect(Object.keys(error)).toEqual(['message', 'code', 'details', 'timestamp', 'requestId'])
    expect(error.requestId).toBe(answer.headers['x-request-id'])
    expect(new Date(error.timestamp).toISOString()).toBe(error.timestamp)
  })

  it.each([
    ['messages', { messages: undefined }],
    ['messages', { messages: [] }],
    ['messages.0.role', { messages: [{ role: 'robot', content: 'x' }] }],
    ['model', { model: undefined }],
    ['temperature', { temperature: 2.5 }],
    ['top_p', { top_p: -0.1 }],
    ['max_tokens', { max_tokens: 0 }],
    ['stream', { stream: true }],
  ])('for a bad body names the field %s', async (field, more) => {
    const simulator = await start()
    const answer = await ask(simulator, 'x', { body: chatBody('x', more) })
    expect(answer.status).toBe(400)
    const { error } = answer.json<Envelope>()
    expect(error.code).toBe('VALIDATION_ERROR')
    expect(Object.keys(error.details?.fields ?? {})).toEqual([field])
  })

  it('tells bad JSON, an unknown model and an unknown path apart', async () => {
    const simulator = await start()
    expect(await codeOf(ask(simulator, '', { body: '{"model":' }))).toBe('BAD_REQUEST')
    expect(await codeOf(ask(simulator, '', { body: chatBody('x', { model: 'gpt-99' }) }))).toBe(
      'CHAT_MODEL_NOT_FOUND',
    )
    expect(await codeOf(send('GET', `${simulator.baseUrl}/nowhere`))).toBe('NOT_FOUND')
  })

  it('passes over fields that Conduit does not name', async () => {
    const simulator = await start()
    const body = chatBody('x', { tools: [], seed: 7, temperature: 2, top_p: 1, stream: false })
    expect((await ask(simulator, 'x', { body })).status).toBe(200)
  })
})

describe('the account', () => {
  it('pays for completions until the balance is below the cost, and goes on after a top-up', async () => {
    const simulator = await start({ balanceCents: 5, costCents: 2 })
    expect((await ask(simulator, 'a')).status).toBe(200)
    expect((await ask(simulator, 'b')).status).toBe(200)
    const empty = await ask(simulator, 'c')
    expect(empty.status).toBe(402)
    expect(empty.json<Envelope>().error.code).toBe('BILLING_INSUFFICIENT_FUNDS')
    await ask(simulator, 'd')
    simulator.control({ topUpCents: 10 })
    expect((await ask(simulator, 'c')).status).toBe(200)

    const balance = await send('GET', `${simulator.billingUrl}/balance`)
    expect(balance.json()).toEqual({ balanceInCents: 9, balanceInDollars: 0.09 })
    expect(simulator.stats()).toMatchObject({ chargedCents: 6, completed: 3, callsAfterFirst402: 1 })
  })

  it('never overdraws when many calls come at once', async () => {
    const simulator = await start({ balanceCents: 7, latencyMs: { min: 1, max: 20 } })
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ask(simulator, `at once ${index}`)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
    expect(simulator.stats()).toMatchObject({ balanceCents: 0, byStatus: { 200: 7, 402: 23 } })
  })

  it('writes purchases and debits to the ledger, the newest first, in pages', async () => {
    const simulator = await start({ balanceCents: 3 })
    await ask(simulator, 'a')
    simulator.control({ topUpCents: 50 })
    const page = await send('GET', `${simulator.billingUrl}/ledger?limit=2`)
    expect(page.json()).toMatchObject({
      limit: 2,
      offset: 0,
      count: 2,
      entries: [
        { type: 'CREDIT_PURCHASE', amountInCents: 50, balanceAfterInCents: 52 },
        {
          type: 'USAGE_DEBIT',
          amountInCents: -1,
          balanceAfterInCents: 2,
          metadata: { model: 'gpt-4o-mini' },
        },
      ],
    })
    const rest = await send('GET', `${simulator.billingUrl}/ledger?limit=2&offset=2`)
    expect(rest.json()).toMatchObject({ count: 1, entries: [{ type: 'CREDIT_PURCHASE', amountInCents: 3 }] })
    expect((await send('GET', `${simulator.billingUrl}/ledger?limit=101`)).status).toBe(400)
  })

  it('lists the models for nothing', async () => {
    const simulator = await start({ models: ['m1', 'm2'], balanceCents: 1 })
    const list = await send('GET', `${simulator.baseUrl}/models`)
    expect(list.json()).toMatchObject({ object: 'list', data: [{ id: 'm1' }, { id: 'm2' }] })
    expect(simulator.stats()).toMatchObject({ calls: 0, balanceCents: 1, otherRequests: { models: 1 } })
  })
})

describe("a key's limits", () => {
  it('refuse beyond the spending limit, for that key alone, until a person raises it', async () => {
    const simulator = await start({ apiKeys: ['k1', 'k2'], spendingLimitCents: 1 })
    await ask(simulator, 'a', { key: 'k1' })
    const refused = await ask(simulator, 'b', { key: 'k1' })
    expect(refused.status).toBe(429)
    expect(refused.json<Envelope>().error.code).toBe('API_KEY_LIMIT_EXCEEDED')
    expect((await ask(simulator, 'b', { key: 'k2' })).status).toBe(200)
    simulator.control({ spendingLimitCents: 5 })
    expect((await ask(simulator, 'b', { key: 'k1' })).status).toBe(200)
  })

  it('give a daily quota that comes back at midnight UTC', async () => {
    let nowMs = MIDNIGHT - 90_000
    const simulator = await start({ dailyQuota: 1 }, () => nowMs)
    await ask(simulator, 'a')
    const refused = await ask(simulator, 'b')
    expect(refused.json<Envelope>().error.code).toBe('RATE_LIMIT_QUOTA_EXCEEDED')
    expect(refused.headers['retry-after']).toBe('90')
    nowMs = MIDNIGHT
    expect((await ask(simulator, 'b')).status).toBe(200)
  })

  it('refuse beyond the rate, with an envelope without details, for that key alone', async () => {
    const nowMs = MIDNIGHT + 15_000
    const limit = { kind: 'fixed', requestsPerWindow: 2 } as const
    const simulator = await start({ limit, apiKeys: ['k1', 'k2'] }, () => nowMs)
    const ask1 = () => ask(simulator, 'a', { key: 'k1' })
    expect([(await ask1()).status, (await ask1()).status]).toEqual([200, 200])
    const refused = await ask1()
    expect(refused.status).toBe(429)
    expect(refused.headers['retry-after']).toBe('45')
    expect(refused.json<Envelope>().error).toMatchObject({ code: 'RATE_LIMIT_EXCEEDED' })
    expect(refused.json<Envelope>().error).not.toHaveProperty('details')
    expect((await ask(simulator, 'a', { key: 'k2' })).status).toBe(200)
  })

  it.each([
    ['seconds', '60'],
    ['date', 'Mon, 09 Mar 2026 00:01:00 GMT'],
    ['missing', undefined],
    ['zero', '0'],
    ['absurd', '31536000'],
    ['malformed', 'soon'],
    [{ fixedSeconds: 7 }, '7'],
  ] as const)('say when to come back: %o', async (retryAfter, header) => {
    const limit = { kind: 'sliding', requestsPerWindow: 1 } as const
    const simulator = await start({ limit, retryAfter }, () => MIDNIGHT)
    await ask(simulator, 'a')
    expect((await ask(simulator, 'b')).headers['retry-after']).toBe(header)
  })

  it.each([
    ['sliding', ['1', '1m0s'], ['0', '1m0s']],
    ['fixed', ['1', '45s'], ['0', '45s']],
    ['bucket', ['1', '30s'], ['0', '1m0s']],
  ] as const)('are told in headers as OpenAI writes them: %s', async (kind, first, last) => {
    const limit = { kind, requestsPerWindow: 2 }
    const simulator = await start({ limit, rateLimitHeaders: 'openai' }, () => MIDNIGHT + 15_000)
    const told = async (prompt: string, options?: Ask) => {
      const { headers } = await ask(simulator, prompt, options)
      return ['limit', 'remaining', 'reset'].map((name) => headers[`x-ratelimit-${name}-requests`])
    }
    expect(await told('a')).toEqual(['2', ...first])
    expect(await told('b')).toEqual(['2', ...last])
    expect(await told('refused')).toEqual(['2', ...last])
    expect(await told('wrong key', { key: 'k2' })).toEqual([undefined, undefined, undefined])
  })

  it('are told in headers as plain numbers, or not at all', async () => {
    const limit = { kind: 'fixed', requestsPerWindow: 2 } as const
    const simulator = await start({ limit }, () => MIDNIGHT + 15_500)
    const told = async () =>
      Object.entries((await ask(simulator, 'a')).headers).filter(([name]) => /ratelimit/.test(name))
    expect(await told()).toEqual([])
    simulator.control({ rateLimitHeaders: 'plain' })
    expect(await told()).toEqual([
      ['x-ratelimit-limit', '2'],
      ['x-ratelimit-remaining', '0'],
      ['x-ratelimit-reset', '45'],
    ])
  })
})

describe('a fault asked for in the prompt', () => {
  it.each(Object.entries(CONDUIT_ERRORS))('%s comes with its status', async (code, { status }) => {
    const simulator = await start()
    const answer = await ask(simulator, `please fail [[${code}]]`)
    expect(answer.status).toBe(status)
    expect(answer.json<Envelope>().error.code).toBe(code)
    expect(simulator.stats()).toMatchObject({
      chargedCents: 0,
      byFault: { [code]: 1 },
      byCode: { [code]: 1 },
    })
  })

  it.each([408, 409, 422, 425, 418, 520])('STATUS_%i comes with a code that nobody knows', async (status) => {
    const simulator = await start()
    const answer = await ask(simulator, `[[STATUS_${status}]]`)
    expect(answer.status).toBe(status)
    expect(answer.json<Envelope>().error.code).toBe(`STATUS_${status}`)
  })

  it('comes as often as it says, for each prompt, one directive after the other', async () => {
    const simulator = await start()
    const prompt = 'try [[SERVICE_UNAVAILABLE x2]] then [[SERVICE_TIMEOUT x1]]'
    const statuses: number[] = []
    for (let call = 0; call < 4; call += 1) statuses.push((await ask(simulator, prompt)).status)
    expect(statuses).toEqual([503, 503, 504, 200])
    expect((await ask(simulator, `${prompt}!`)).status).toBe(503)
    expect(simulator.calls().find(({ key }) => key === promptKey(messagesOf(prompt)))?.statuses).toEqual(
      statuses,
    )
  })

  it('is ordinary text when it is no fault', async () => {
    const simulator = await start()
    expect((await ask(simulator, 'see [[NOTE]] and [[TODO x2]]')).status).toBe(200)
  })
})

describe('a broken answer', () => {
  it.each([
    ['HTML_502', 502, /^<html>/],
    ['NOT_JSON', 200, /^connected$/],
    ['NO_CHOICES', 200, /^(?!.*choices).*usage/],
    ['EMPTY_CHOICES', 200, /"choices":\[\]/],
    ['ERROR_IN_200', 200, /^\{"error":\{"message"/],
    ['EMPTY_BODY', 200, /^$/],
    ['REDIRECT', 302, /^$/],
  ])('%s has status %i, a request id, and is not charged', async (fault, status, text) => {
    const simulator = await start()
    const answer = await ask(simulator, `[[${fault}]]`)
    expect(answer.status).toBe(status)
    expect(answer.text).toMatch(text)
    expect(answer.headers['x-request-id']).toMatch(/^req_/)
    expect(simulator.stats()).toMatchObject({ completed: 0, chargedCents: 0, byStatus: { [status]: 1 } })
  })

  it('TRUNCATED_BODY ends before its Content-Length', async () => {
    const simulator = await start()
    await expect(ask(simulator, '[[TRUNCATED_BODY]]')).rejects.toThrow(/terminated|closed/)
  })

  it('RESET and LOST_ANSWER cut the connection, and only the lost answer was billed', async () => {
    const simulator = await start()
    await expect(ask(simulator, '[[RESET]]')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(simulator.stats().chargedCents).toBe(0)
    await expect(ask(simulator, '[[LOST_ANSWER]]')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(simulator.stats()).toMatchObject({
      chargedCents: 1,
      lostAnswers: 1,
      completed: 0,
      byStatus: { 0: 2 },
    })
  })

  it.each(['HANG', 'STALLED_BODY'])('%s lasts until the client gives up', async (fault) => {
    const simulator = await start()
    await expect(ask(simulator, `[[${fault}]]`, { signal: AbortSignal.timeout(100) })).rejects.toThrow(
      /timeout/,
    )
    await eventuallyHolds(() => expect(simulator.stats().inFlight).toBe(0))
  })

  it('HUGE_BODY is valid JSON of more than 64 MiB', async () => {
    const simulator = await start()
    const answer = await ask(simulator, '[[HUGE_BODY]]')
    expect(answer.text.length).toBeGreaterThan(64 * 1024 * 1024)
    expect(answer.json<{ choices: object[] }>().choices).toHaveLength(1)
  })

  it('REDIRECT knows who followed it with the key', async () => {
    const simulator = await start()
    const { headers } = await ask(simulator, '[[REDIRECT]]')
    await send('GET', new URL(String(headers.location), simulator.baseUrl).href)
    expect(simulator.stats()).toMatchObject({ redirectsFollowed: 1, redirectsFollowedWithKey: 1 })
  })
})

describe('faults by chance', () => {
  const prompts = Array.from({ length: 400 }, (_, index) => `by chance ${index}`)
  const faults = [{ fault: 'INTERNAL_SERVER_ERROR', probability: 0.1 }] as const

  async function failedPrompts(seed: number, order: string[]): Promise<string[]> {
    const simulator = await start({ faults: [...faults], seed })
    const answers = await Promise.all(
      order.map(async (prompt) => ({ prompt, status: (await ask(simulator, prompt)).status })),
    )
    return answers.flatMap(({ prompt, status }) => (status === 500 ? [prompt] : [])).sort()
  }

  it('are as frequent as they should be, the same for a seed in any order, others for another seed', async () => {
    const failed = await failedPrompts(1, prompts)
    expect(failed.length).toBeGreaterThan(20)
    expect(failed.length).toBeLessThan(60)
    expect(await failedPrompts(1, prompts.toReversed())).toEqual(failed)
    expect(await failedPrompts(2, prompts)).not.toEqual(failed)
  })

  it('strike a repeated prompt independently of its last call', async () => {
    const simulator = await start({ faults: [{ fault: 'SERVICE_UNAVAILABLE', probability: 0.5 }] })
    for (let call = 0; call < 200; call += 1) await ask(simulator, 'again and again')
    const { byStatus } = simulator.stats()
    expect(byStatus['503']).toBeGreaterThan(60)
    expect(byStatus['200']).toBeGreaterThan(60)
  })

  it('end after their number or their time, and may name a Retry-After', async () => {
    let nowMs = MIDNIGHT
    const simulator = await start({}, () => nowMs)
    simulator.control({
      faults: [
        { fault: 'SERVICE_UNAVAILABLE', probability: 1, count: 1, retryAfterSeconds: 9 },
        { fault: 'SERVICE_TIMEOUT', probability: 1, afterMs: 1000, forMs: 500 },
      ],
    })
    const first = await ask(simulator, 'a')
    expect([first.status, first.headers['retry-after']]).toEqual([503, '9'])
    const statuses: number[] = []
    for (const afterMs of [0, 999, 1000, 1499, 1500]) {
      nowMs = MIDNIGHT + afterMs
      statuses.push((await ask(simulator, 'a')).status)
    }
    expect(statuses).toEqual([200, 200, 504, 504, 200])
  })
})

describe('the statistics', () => {
  it('tell what was paid twice from what was merely called twice', async () => {
    const simulator = await start()
    await ask(simulator, 'failed once [[INTERNAL_SERVER_ERROR x1]]')
    await ask(simulator, 'failed once [[INTERNAL_SERVER_ERROR x1]]')
    await ask(simulator, 'once')
    expect(simulator.stats()).toMatchObject({
      repeatedCalls: 1,
      repeatedCompletions: 0,
      callsAfterCompletion: 0,
    })
    await ask(simulator, 'once')
    expect(simulator.stats()).toMatchObject({
      calls: 4,
      completed: 3,
      promptsSeen: 2,
      promptsCompleted: 2,
      promptsCompletedMoreThanOnce: 1,
      repeatedCalls: 2,
      repeatedCompletions: 1,
      callsAfterCompletion: 1,
    })
  })

  it('count an answer as billed when it was decided, though the client has gone', async () => {
    const simulator = await start({ latencyMs: { min: 60_000, max: 60_000 } })
    const leave = new AbortController()
    const left = expect(ask(simulator, 'patience', { signal: leave.signal })).rejects.toThrow(/abort/)
    await eventuallyHolds(() => expect(simulator.stats().completed).toBe(1))
    leave.abort()
    await left
    await eventuallyHolds(() => expect(simulator.stats().undelivered).toBe(1))
    expect(simulator.stats()).toMatchObject({ completed: 1, chargedCents: 1, inFlight: 0 })
  })

  it('show how many calls were in flight at once', async () => {
    const simulator = await start({ latencyMs: { min: 60_000, max: 60_000 } })
    const leave = new AbortController()
    const calls = Array.from({ length: 5 }, (_, index) =>
      ask(simulator, `${index}`, { signal: leave.signal }),
    )
    const settled = Promise.allSettled(calls)
    await eventuallyHolds(() => expect(simulator.stats().inFlight).toBe(5))
    leave.abort()
    await settled
    await eventuallyHolds(() => expect(simulator.stats()).toMatchObject({ inFlight: 0, maxInFlight: 5 }))
  })
})

describe('the timeline', () => {
  it('tells, span by span, what came, what became of it, and the most in flight', async () => {
    let nowMs = MIDNIGHT + 50
    const limit = { kind: 'fixed', requestsPerWindow: 1 } as const
    const simulator = await start({ timelineMs: 100, limit }, () => nowMs)
    await ask(simulator, 'a')
    nowMs += 200
    await ask(simulator, 'b')
    simulator.control({ limit: null })
    await ask(simulator, '[[HTML_502]]')
    await eventuallyHolds(() => expect(simulator.stats().inFlight).toBe(0))
    expect(simulator.stats().timeline).toEqual({
      bucketMs: 100,
      startMs: MIDNIGHT,
      firstCallMs: MIDNIGHT + 50,
      lastAnswerMs: MIDNIGHT + 50,
      arrived: [1, 0, 2],
      completed: [1, 0, 0],
      refused: [0, 0, 1],
      failed: [0, 0, 1],
      inFlight: [1, 0, 1],
    })
  })

  it('knows of a call that stays in flight for many spans', async () => {
    let nowMs = MIDNIGHT
    const simulator = await start({ timelineMs: 100 }, () => nowMs)
    const hanging = expect(ask(simulator, '[[HANG]]')).rejects.toThrow()
    await eventuallyHolds(() => expect(simulator.stats().inFlight).toBe(1))
    nowMs += 250
    expect(simulator.stats().timeline?.inFlight).toEqual([1, 1, 1])
    await simulator.close()
    await hanging
  })
})

describe('control over HTTP', () => {
  const control = (simulator: Simulator, patch: object) =>
    send('POST', `${simulator.controlUrl}/control`, { key: null, body: JSON.stringify(patch) })

  it('changes what the next call meets, and needs no key', async () => {
    const simulator = await start({ balanceCents: 0 })
    expect((await ask(simulator, 'a')).status).toBe(402)
    await control(simulator, { topUpCents: 5, apiKeys: ['sk-new'], models: ['m1'] })
    expect((await ask(simulator, 'a')).status).toBe(401)
    expect((await ask(simulator, 'a', { key: 'sk-new' })).status).toBe(404)
    const body = chatBody('a', { model: 'm1' })
    expect((await ask(simulator, 'a', { key: 'sk-new', body })).status).toBe(200)
    const stats = await send('GET', `${simulator.controlUrl}/stats`, { key: null })
    expect(stats.json()).toEqual(JSON.parse(JSON.stringify(simulator.stats())))
    expect(stats.json()).toMatchObject({ calls: 4, callsAfterFirst402: 0 })
    const calls = await send('GET', `${simulator.controlUrl}/calls`, { key: null })
    expect(calls.json<{ prompts: object[] }>().prompts).toEqual([
      {
        key: promptKey(messagesOf('a')),
        calls: 4,
        completed: 1,
        undelivered: 0,
        lost: 0,
        statuses: [402, 401, 404, 200],
      },
    ])
  })

  it('refuses a wrong patch whole, naming the fields', async () => {
    const simulator = await start({ balanceCents: 3 })
    const answer = await control(simulator, {
      balanceCents: 9,
      topupCents: 5,
      faults: [{ fault: 'NO', probability: 2 }],
    })
    expect(answer.status).toBe(400)
    const { fields } = answer.json<Envelope>().error.details ?? {}
    expect(Object.keys(fields ?? {}).sort()).toEqual(['faults.0.fault', 'faults.0.probability', 'topupCents'])
    expect(simulator.stats().balanceCents).toBe(3)
  })
})

describe('starting and closing', () => {
  it('closes at once though calls hang and connections idle', async () => {
    const simulator = await start()
    await ask(simulator, 'idle')
    const hanging = expect(ask(simulator, '[[HANG]]')).rejects.toThrow()
    await eventuallyHolds(() => expect(simulator.stats().inFlight).toBe(1))
    const startedAt = performance.now()
    await simulator.close()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await hanging
    await expect(ask(simulator, 'closed')).rejects.toThrow()
  })

  it('refuses wrong and unknown options', async () => {
    await expect(startSimulator({ port: -1 })).rejects.toThrow(/port/)
    await expect(startSimulator({ latencyMs: { min: 5, max: 1 } })).rejects.toThrow(
      /min must not be above max/,
    )
    await expect(startSimulator({ costInCents: 1 } as Partial<SimulatorOptions>)).rejects.toThrow(
      /costInCents/,
    )
  })

  it('says when its port is taken', async () => {
    const { port } = new URL((await start()).baseUrl)
    await expect(startSimulator({ port: Number(port) })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('conduit-batch simulate', () => {
  it.each([
    ['--port', 'abc'],
    ['--port', '70000'],
    ['--balance-cents', '-5'],
    ['--rpm', '0'],
    ['--latency', '800-200'],
    ['--window', 'round'],
    ['--rate-limit-headers', 'own'],
    ['--fault', 'INTERNAL_SERVER_ERROR=1.5'],
    ['--fault', 'NO_SUCH_FAULT=0.5'],
    ['--burst', '5'],
    ['--seed', '1.5'],
  ])('refuses %s %s with exit code 1, naming the option', async (option, value) => {
    const command = simulateCommand().exitOverride()
    command.configureOutput({ writeErr: () => undefined })
    const parsing = command.parseAsync([option, value], { from: 'user' })
    await expect(parsing).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining(option) })
  })
})
