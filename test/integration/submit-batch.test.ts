import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { createDeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import {
  BadLines,
  type BatchHandle,
  type BatchRequest,
  BatchUnknown,
  createProducer,
  InputNotFound,
  type Producer,
  RequestInvalid,
  type RequestResult,
} from '../../src/index.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { expectAnswers, ids, MODEL, promptOf, requests } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { redisTarget, uniquePrefix } from '../support/redis.js'
import { startTestRoles, temporaryDirectory } from '../support/roles.js'

let session: Session
let simulator: Simulator
let producer: Producer
let place: string
let dataDirectory: string

beforeEach(async () => {
  const keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
  simulator = await startSimulator({ models: [MODEL] })
  place = await temporaryDirectory()
  dataDirectory = join(place, 'data')
  const target = redisTarget()
  producer = createProducer({ redis: 'url' in target ? target.url : target, keyPrefix, dataDirectory })
})
afterEach(async () => {
  await producer.close()
  await simulator.close()
})

const work = () => startTestRoles(session, { baseUrl: simulator.baseUrl, dataDirectory })

async function* prompts(count: number): AsyncGenerator<BatchRequest> {
  for (const id of ids(count)) yield { custom_id: id, prompt: promptOf(id) }
}

async function all(batch: BatchHandle): Promise<RequestResult[]> {
  const results: RequestResult[] = []
  for await (const result of batch) results.push(result)
  return results
}

const sortedIds = (results: readonly RequestResult[]) => results.map(({ customId }) => customId).sort()

describe('a batch from a file', () => {
  it('is answered whole; its results can be read one by one, and its progress watched', async () => {
    const path = join(place, 'prompts.jsonl')
    await writeFile(path, `${requests(120)}not JSON\n`)
    const output = join(place, 'answers.jsonl')
    const batch = await producer.submitBatch(path, { output, name: 'first' })
    expect(batch).toMatchObject({ name: 'first', output, errors: join(place, 'answers.errors.jsonl') })
    expect(await batch.progress()).toMatchObject({ state: 'running', total: 121, completed: 0 })
    const read = all(batch)
    await work()
    const seen: number[] = []
    const end = await batch.done({ onProgress: ({ completed }) => seen.push(completed) })
    expect(end).toMatchObject({ state: 'completed', completed: 120, failed: 1 })
    expect(seen.at(-1)).toBe(120)
    await expectAnswers(output, ids(120))

    const results = await read
    expect(sortedIds(results)).toEqual([...ids(120), 'line-121'].sort())
    expect(results.at(-1)).toMatchObject({
      kind: 'failed',
      error: { code: 'invalid_json_line', status: null },
    })
    const [first] = results
    expect(first?.kind === 'completed' && first.response.choices[0]?.message.content).toContain(
      `say ${first?.customId}`,
    )
  })

  it('that is submitted again is the same batch: nothing is called twice, deleted output comes back', async () => {
    const path = join(place, 'prompts.jsonl')
    await writeFile(path, requests(10))
    await work()
    const batch = await producer.submitBatch(path)
    await batch.done()
    expect(batch.output.startsWith(join(dataDirectory, 'results'))).toBe(true)
    await rm(batch.output)
    const again = await producer.submitBatch(path)
    expect(again.id).toBe(batch.id)
    expect(sortedIds(await all(await producer.batch(batch.id)))).toEqual(ids(10).sort())
    await expectAnswers(batch.output, ids(10))
    expect(simulator.stats().calls).toBe(10)
  })

  it('is refused when it is not there, or strictly when a line can not be sent', async () => {
    await expect(producer.submitBatch(join(place, 'none.jsonl'))).rejects.toThrow(InputNotFound)
    const path = join(place, 'prompts.jsonl')
    await writeFile(path, `${requests(1)}not JSON\n`)
    await expect(producer.submitBatch(path, { strict: true })).rejects.toThrow(BadLines)
    await expect(producer.batch('b123456789abc')).rejects.toThrow(BatchUnknown)
  })
})

describe('a batch from an iterable', () => {
  it('is kept whole before the call returns, and is the same batch for the same requests', async () => {
    const batch = await producer.submitBatch(prompts(30), { model: MODEL, name: 'nightly' })
    expect(batch.output).toBe(join(dataDirectory, 'results', 'nightly.results.jsonl'))
    const again = await producer.submitBatch([...(await collect(prompts(30)))], {
      model: MODEL,
      name: 'nightly',
    })
    expect(again.id).toBe(batch.id)
    await work()
    expect(await batch.done()).toMatchObject({ state: 'completed', completed: 30 })
    await expectAnswers(batch.output, ids(30))
    expect(simulator.stats().calls).toBe(30)
  })

  it('of other requests, or another model, is another batch with other output', async () => {
    const made = [
      await producer.submitBatch(prompts(2), { model: MODEL }),
      await producer.submitBatch(prompts(3), { model: MODEL }),
      await producer.submitBatch(prompts(3), { model: 'other' }),
    ]
    expect(new Set(made.map(({ id }) => id)).size).toBe(3)
    expect(new Set(made.map(({ output }) => output)).size).toBe(3)
  })

  it('that throws, or gives what is no JSON, submits nothing', async () => {
    async function* broken(): AsyncGenerator<BatchRequest> {
      yield { prompt: 'one' }
      throw new Error('the source broke')
    }
    await expect(producer.submitBatch(broken(), { model: MODEL })).rejects.toThrow('the source broke')
    const circle: Record<string, unknown> = {}
    circle.body = circle
    const circular = [circle] as unknown as BatchRequest[]
    await expect(producer.submitBatch(circular, { model: MODEL })).rejects.toThrow(RequestInvalid)
    expect(await session.redis.smembers(session.keys.activeBatches)).toEqual([])
  })
})

describe('a batch that is cancelled', () => {
  it('calls nothing more; what it has is still read', async () => {
    const batch = await producer.submitBatch(prompts(5), { model: MODEL })
    expect(await batch.cancel()).toBe(true)
    expect(await batch.cancel()).toBe(false)
    await work()
    expect(await batch.done()).toMatchObject({ state: 'cancelled', completed: 0, unfinished: 5 })
    expect(await all(batch)).toMatchObject(
      ids(5).map((customId) => ({ kind: 'failed', customId, error: { code: 'batch_cancelled' } })),
    )
    expect(simulator.stats().calls).toBe(0)
  })
})

describe('a batch whose dead letters are retried', () => {
  it('is read to its new end', async () => {
    const good: BatchRequest[] = ids(3).map((id) => ({ custom_id: id, prompt: promptOf(id), model: MODEL }))
    const bad = { custom_id: 'p-4', prompt: promptOf('p-4'), model: 'gone' }
    const batch = await producer.submitBatch([...good, bad])
    await work()
    expect(await batch.done()).toMatchObject({ completed: 3, failed: 1 })
    expect((await all(batch)).at(-1)).toMatchObject({ kind: 'failed', customId: 'p-4' })
    const { redis, keys, deadLetters } = session
    await createDeadLetters(redis, keys, deadLetters).retry([`${batch.id}-3-0`], { set: { model: MODEL } })
    expect(await batch.done()).toMatchObject({ completed: 4, failed: 0 })
    expect(sortedIds(await all(batch))).toEqual(ids(4))
  })
})

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}
