import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { collectInbox, INBOX_LEASE, INBOX_PORTIONS } from '../../src/batches/inbox/inbox-collector.js'
import { feedInboxRetries } from '../../src/batches/inbox/inbox-retries.js'
import { reserve } from '../../src/batches/inbox/reserve.js'
import { createDirectoryLease } from '../../src/batches/lease.js'
import { createPortionSize } from '../../src/batches/portion-size.js'
import type { Session } from '../../src/batches/session.js'
import { customIdKey } from '../../src/completions/custom-id-key.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { answerLine } from '../../src/completions/output-line.js'
import { record } from '../../src/completions/record.js'
import { INBOX_BATCH } from '../../src/completions/request.js'
import {
  AnswerExpired,
  type ChatRequest,
  CustomIdTaken,
  createProducer,
  type Producer,
  ProducerClosed,
  RequestInvalid,
  RequestUnknown,
  ResultTimeout,
} from '../../src/index.js'
import { digestOf } from '../../src/producer/check-request.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { MODEL } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { startTestWorker } from '../support/completion-worker.js'
import { completion, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { redisTarget, uniquePrefix } from '../support/redis.js'
import { startTestRoles } from '../support/roles.js'

const WORKER = fileURLToPath(new URL('../support/worker-process.mjs', import.meta.url))

let keyPrefix: string
let session: Session
let simulator: Simulator
let producer: Producer
const producers = new Set<Producer>()

beforeEach(async () => {
  keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
  simulator = await startSimulator({ models: [MODEL] })
  producer = newProducer()
})
afterEach(async () => {
  await Promise.all([...producers].map((one) => one.close()))
  producers.clear()
  await simulator.close()
})

/** As in another process: nothing but Redis is shared. */
function newProducer(options = {}): Producer {
  const target = redisTarget()
  const redis = 'url' in target ? target.url : target
  const made = createProducer({ redis, keyPrefix, ...options })
  producers.add(made)
  return made
}

const chat = (text: string, more: object = {}): ChatRequest => ({
  model: MODEL,
  messages: [{ role: 'user', content: text }],
  ...more,
})
const work = () => startTestRoles(session, { baseUrl: simulator.baseUrl })
const letters = () => createDeadLetters(session.redis, session.keys, session.deadLetters)

describe('a request', () => {
  it('is answered, and the answer is there for every process that has its id', async () => {
    const request = await producer.enqueue(chat('say one'), { customId: 'one' })
    expect(await request.status()).toBe('waiting')
    const elsewhere = await newProducer().handle(request.id)
    const waited = elsewhere.result()
    await work()
    const result = await request.result()
    expect(result).toMatchObject({ kind: 'completed', customId: 'one', requestId: expect.any(String) })
    if (result.kind !== 'completed') return
    expect(result.response.choices[0]?.message.content).toContain('say one')
    expect(await waited).toEqual(result)
    expect(elsewhere.customId).toBe('one')
    expect(await request.status()).toBe('completed')
  })

  it('is answered beside a hundred others, each with its own answer', async () => {
    await work()
    const texts = Array.from({ length: 100 }, (_, i) => `say p-${i}`)
    const requests = await Promise.all(texts.map((text) => producer.enqueue(chat(text))))
    const results = await Promise.all(requests.map((request) => request.result()))
    const contents = results.map((one) =>
      one.kind === 'completed' ? `${one.response.choices[0]?.message.content} ` : '',
    )
    expect(contents.filter((content, i) => !content.includes(`${texts[i]} `))).toEqual([])
    expect(simulator.stats()).toMatchObject({ completed: 100, promptsCompletedMoreThanOnce: 0 })
    await eventually('nothing is left in the stream', async () => {
      return (await session.redis.xlen(session.keys.stream(INBOX_BATCH))) === 0
    })
  })

  it('that is refused fails with what Conduit said, fields included', async () => {
    await work()
    const { result } = await producer.enqueue(chat('say one', { temperature: 9 }), { customId: 'hot' })
    expect(await result()).toMatchObject({
      kind: 'failed',
      customId: 'hot',
      error: {
        code: 'VALIDATION_ERROR',
        status: 400,
        requestId: expect.any(String),
        fields: { temperature: expect.any(String) },
      },
    })
  })

  it('takes as many attempts as it asks for, not what the inbox gives', async () => {
    await work()
    simulator.control({ faults: [{ fault: 'INTERNAL_SERVER_ERROR', probability: 1 }] })
    const { result } = await producer.enqueue(chat('say one'), { maxAttempts: 1 })
    expect(await result()).toMatchObject({ error: { code: 'retries_exhausted', status: 500 } })
    expect(simulator.stats().calls).toBe(1)
  })

  it('that can not be sent is refused with the place of each fault, and nothing is enqueued', async () => {
    const bad = { model: '', messages: [{ role: 'user' }, { content: 'x' }] } as unknown as ChatRequest
    const error = await producer.enqueue(bad).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RequestInvalid)
    expect((error as RequestInvalid).issues.map(({ path }) => path)).toEqual(['model', 'messages.1.role'])
    const circle: Record<string, unknown> = chat('x')
    circle.self = circle
    await expect(producer.enqueue(circle as ChatRequest)).rejects.toThrow(RequestInvalid)
    await expect(producer.enqueue(chat('x'), { customId: '' })).rejects.toThrow(RequestInvalid)
    expect(await session.redis.exists(session.keys.batch(INBOX_BATCH))).toBe(0)
  })
})

describe('a custom id', () => {
  it('enqueued again and again is one request and one call, before and after the answer', async () => {
    const again = () => newProducer().enqueue(chat('say one'), { customId: 'one' })
    const requests = await Promise.all([again(), again(), again(), again(), again()])
    await work()
    const results = await Promise.all(requests.map((request) => request.result()))
    const late = await again()
    expect(new Set([...requests, late].map(({ id }) => id)).size).toBe(1)
    expect(await late.result()).toEqual(results[0])
    expect(simulator.stats().calls).toBe(1)
  })

  it('belongs to one body, whatever the order of its keys', async () => {
    const { id } = await producer.enqueue(chat('say one', { temperature: 1, top_p: 1 }), { customId: 'one' })
    const same = await producer.enqueue(chat('say one', { top_p: 1, temperature: 1 }), { customId: 'one' })
    expect(same.id).toBe(id)
    await expect(producer.enqueue(chat('say two'), { customId: 'one' })).rejects.toThrow(CustomIdTaken)
  })

  it('whose producer died before its job was added is answered when it is enqueued again', async () => {
    await work()
    const body = chat('say one')
    const { redis, keys } = session
    await reserve(
      { redis, keys, queue: session.completions },
      { customId: 'one', digest: digestOf(body), keepSeconds: 60 },
    )
    const request = await producer.enqueue(body, { customId: 'one' })
    expect(await request.result()).toMatchObject({ kind: 'completed' })
    expect(await redis.hget(keys.batch(INBOX_BATCH), 'total')).toBe('1')
  })

  it('is free again when its answer is no longer kept, which is told then', async () => {
    await work()
    const first = await producer.enqueue(chat('say one'), { customId: 'one', keepAnswersMs: 3000 })
    await first.result()
    await eventually('it is forgotten', async () => {
      return first.status().then(
        () => false,
        (error) => error instanceof AnswerExpired,
      )
    })
    await expect(first.result()).rejects.toThrow(AnswerExpired)
    await expect(producer.handle(first.id)).rejects.toThrow(AnswerExpired)
    const second = await producer.enqueue(chat('say one'), { customId: 'one' })
    expect(second.id).not.toBe(first.id)
    expect(await second.result()).toMatchObject({ kind: 'completed' })
  })
})

describe('whoever waits', () => {
  it('can give up, by time or by signal; the request goes on', async () => {
    const request = await producer.enqueue(chat('say one'))
    await expect(request.result({ timeoutMs: 50 })).rejects.toThrow(ResultTimeout)
    const abort = new AbortController()
    const waited = expect(request.result({ signal: abort.signal })).rejects.toThrow('enough')
    abort.abort(new Error('enough'))
    await waited
    const patient = request.result({ timeoutMs: Number.POSITIVE_INFINITY })
    await work()
    expect(await request.result({ timeoutMs: 30_000 })).toMatchObject({ kind: 'completed' })
    expect(await patient).toMatchObject({ kind: 'completed' })
  })

  it('is told when there is no such request, also when the place is of another', async () => {
    const { id } = await producer.enqueue(chat('say one'))
    for (const unknown of [
      '',
      'req_9_000000000000',
      id.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ]) {
      await expect(producer.handle(unknown)).rejects.toThrow(RequestUnknown)
    }
  })

  it('is told when the producer is closed', async () => {
    const request = await producer.enqueue(chat('say one'))
    const waited = expect(request.result()).rejects.toThrow(ProducerClosed)
    await producer.close()
    await waited
    await expect(producer.enqueue(chat('say two'))).rejects.toThrow(ProducerClosed)
  })
})

describe('a dead letter of a single request', () => {
  it('holds its body; retried with another model it is answered under its own custom id', async () => {
    await work()
    const request = await producer.enqueue(chat('say one', { model: 'gone' }), { customId: 'one' })
    expect(await request.result()).toMatchObject({ error: { code: 'CHAT_MODEL_NOT_FOUND' } })
    const id = `${INBOX_BATCH}-0-0`
    await eventually('it is buried', async () => (await letters().get(id)) !== null)
    expect(await letters().get(id)).toMatchObject({ customId: 'one', body: { model: 'gone' } })

    expect(await letters().retry([id], { set: { model: MODEL } })).toEqual({ retried: 1, refused: [] })
    await eventually('it is answered', async () => (await request.status()) === 'completed')
    expect(await request.result()).toMatchObject({ kind: 'completed', customId: 'one' })
    expect(simulator.stats().completed).toBe(1)
    const { redis, keys } = session
    expect(await redis.hgetall(keys.batch(INBOX_BATCH))).toMatchObject({ completed: '1', failed: '0' })
    expect(await redis.exists(keys.history(INBOX_BATCH), keys.edits(INBOX_BATCH))).toBe(0)
    expect(await redis.ttl(keys.inbox.request(0))).toBeGreaterThan(0)
  })

  it('that is retried after its answer was forgotten keeps its custom id', async () => {
    await work()
    const bad = chat('say one', { model: 'gone' })
    const request = await producer.enqueue(bad, { customId: 'one', keepAnswersMs: 3000 })
    await request.result()
    const { redis, keys } = session
    await eventually('it is forgotten', async () => (await redis.exists(keys.inbox.request(0))) === 0)
    await letters().retry([`${INBOX_BATCH}-0-0`], { set: { model: MODEL } })
    await eventually('it is known again', async () => (await redis.exists(keys.inbox.request(0))) === 1)
    expect(await request.result()).toMatchObject({ kind: 'completed', customId: 'one' })
  })
})

describe('a single request that is retried', () => {
  const ID = `${INBOX_BATCH}-0-0`

  /** It has failed, and is a dead letter; nobody is at work any more. */
  async function failed(options = {}) {
    const roles = await work()
    const request = await producer.enqueue(chat('say one', { model: 'gone' }), {
      customId: 'one',
      ...options,
    })
    await eventually('it is buried', async () => (await letters().get(ID)) !== null)
    await request.result()
    await roles.close(0)
    return request
  }
  const expiry = async (): Promise<number[]> => {
    const { redis, keys } = session
    return Promise.all([redis.ttl(keys.inbox.request(0)), redis.ttl(customIdKey(keys, 'one'))])
  }

  it('has no answer from then on and does not expire, whoever is at work', async () => {
    const request = await failed()
    expect(Math.min(...(await expiry()))).toBeGreaterThan(0)
    await letters().retry([ID], null)
    expect(await request.status()).toBe('waiting')
    expect(await expiry()).toEqual([-1, -1])
  })

  it('passes by what waits, a few at a time, with the limits that it came with', async () => {
    await failed({ maxAttempts: 3 })
    await letters().retry([ID], null)
    const { redis, keys, completions } = session
    const others = Array.from({ length: 500 }, (_, i) => ({ name: 'x', data: {}, opts: { jobId: `x-${i}` } }))
    await completions.addBulk(others)
    expect(await feedInboxRetries({ redis, keys, queue: completions })).toBe(1)
    const job = await completions.getJob(`${INBOX_BATCH}-0-1`)
    expect(job?.data).toMatchObject({ customId: 'one', limits: { maxAttempts: 3 } })
  })

  it('lets its custom id alone when that is of another request since', async () => {
    await failed({ keepAnswersMs: 1000 })
    const { redis, keys } = session
    await eventually('it is forgotten', async () => (await redis.exists(keys.inbox.request(0))) === 0)
    await producer.enqueue(chat('say two'), { customId: 'one' })
    await letters().retry([ID], { set: { model: MODEL } })
    const line = answerLine({ batch: INBOX_BATCH, index: 0, generation: 1 }, 'one', {
      requestId: 'r',
      body: {},
    })
    const place = { batch: INBOX_BATCH, index: 0, generation: 1 }
    const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
    await record(redis, keys, place, { kind: 'completed', line, usage, asked: { model: 'm', chars: 3 } })
    expect(await collectInbox(await takeInbox())).toBe(1)
    const [request = 0, customId] = await expiry()
    expect(request).toBeGreaterThan(0)
    expect(customId).toBe(-1)
  })

  it('and then discarded leaves nothing of its body', async () => {
    await failed()
    await letters().retry([ID], null)
    await work()
    const again = `${INBOX_BATCH}-0-1`
    await eventually('it has failed again', async () => (await letters().get(again)) !== null)
    const { redis, keys } = session
    const remembered = [keys.edits(INBOX_BATCH), keys.history(INBOX_BATCH)]
    expect(await redis.exists(remembered)).toBe(2)
    await letters().discard([again])
    expect(await redis.exists(remembered)).toBe(0)
  })
})

async function takeInbox() {
  const lease = createDirectoryLease(session.redis, session.keys, INBOX_LEASE, 'deadbeef-1-1')
  expect(await lease.hold()).toBe(true)
  const { redis, keys, store } = session
  return {
    redis,
    keys,
    store,
    leaseToken: () => lease.token,
    portion: createPortionSize(INBOX_PORTIONS),
    bury: letters().bury,
  }
}

describe('a portion of the inbox', () => {
  it('is small at first, grows while endings are small, and shrinks when they are large or it failed', () => {
    const portion = createPortionSize(INBOX_PORTIONS)
    const nextAfter = (bytes: number) => {
      portion.taken(bytes)
      return portion.take()
    }
    expect(portion.take()).toBe(20)
    expect([1000, 1000, 0, 1000, 1000].map(nextAfter)).toEqual([40, 80, 80, 160, 200])
    expect(nextAfter(500_000_000)).toBe(100)
    expect([portion.take(), portion.take()]).toEqual([50, 25])
    for (let i = 0; i < 9; i++) portion.take()
    expect(portion.take()).toBe(1)
  })

  it('holds no more than that: what is left comes with the next one', async () => {
    await Promise.all(Array.from({ length: 30 }, () => producer.enqueue(chat('say', { model: 'gone' }))))
    await startTestWorker(session, { baseUrl: simulator.baseUrl })
    const { redis, keys } = session
    await eventually('all have ended', async () => (await redis.xlen(keys.stream(INBOX_BATCH))) === 30)
    const deps = await takeInbox()
    expect(await collectInbox(deps)).toBe(20)
    expect(await collectInbox(deps)).toBe(10)
  })
})

describe('a crash of the inbox worker', () => {
  it('between keeping and burying loses nothing and doubles nothing', async () => {
    const good = await producer.enqueue(chat('say one'))
    const bad = await producer.enqueue(chat('say two', { model: 'gone' }))
    await startTestWorker(session, { baseUrl: simulator.baseUrl })
    const left = () => session.redis.xlen(session.keys.stream(INBOX_BATCH))
    await eventually('both have ended', async () => (await left()) === 2)
    const deps = await takeInbox()
    const failing = { ...deps, bury: () => Promise.reject(new Error('killed')) }
    await expect(collectInbox(failing)).rejects.toThrow('killed')
    expect(await left()).toBe(2)
    expect(await good.status()).toBe('completed')

    expect(await collectInbox(deps)).toBe(2)
    expect(await collectInbox(deps)).toBe(0)
    expect(await bad.result()).toMatchObject({ kind: 'failed' })
    expect(await letters().count({})).toBe(1)
    expect((await session.store.marks(INBOX_BATCH))?.collected).toBe(2)
  })

  it('after which the failure was retried already does not bring the failure back', async () => {
    const bad = await producer.enqueue(chat('say two', { model: 'gone' }))
    await startTestWorker(session, { baseUrl: simulator.baseUrl })
    const { redis, keys } = session
    await eventually('it has ended', async () => (await redis.xlen(keys.stream(INBOX_BATCH))) === 1)
    const deps = await takeInbox()
    const trimmed = { ...deps.store, advance: () => Promise.reject(new Error('killed')) }
    await expect(collectInbox({ ...deps, store: trimmed })).rejects.toThrow('killed')
    await letters().retry([`${INBOX_BATCH}-0-0`], null)
    await redis.hdel(keys.inbox.request(0), 'kind', 'line')
    expect(await collectInbox(deps)).toBe(1)
    expect(await bad.status()).toBe('waiting')
    expect(await letters().count({})).toBe(0)
  })
})

describe('a worker that is killed in the middle of a call', () => {
  it('takes nothing with it: another one answers the request, under the same id', async () => {
    const conduit = await scriptConduit((_prompt, call) => (call === 1 ? null : completion('at last')))
    const request = await producer.enqueue(chat('say one'), { customId: 'one' })
    const settings = { redisUrl: inject('redisUrl'), keyPrefix, baseUrl: conduit.baseUrl, concurrency: 5 }
    const worker = spawn(execPath, [WORKER, JSON.stringify(settings)], { env: { PATH: env.PATH } })
    const exited = once(worker, 'exit')
    await eventually('the call is out', () => conduit.calls.length === 1)
    worker.kill('SIGKILL')
    await exited
    await startTestRoles(session, conduit)
    const result = await request.result()
    expect(result.kind === 'completed' && result.response.choices[0]?.message.content).toBe('at last')
    expect((await producer.enqueue(chat('say one'), { customId: 'one' })).id).toBe(request.id)
    expect(conduit.calls).toHaveLength(2)
  })
})
