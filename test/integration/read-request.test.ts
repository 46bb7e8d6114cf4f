import { rm, writeFile } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { createRequestReader, type ReadRequest } from '../../src/batches/read-request.js'
import { sendableOf } from '../../src/cli/dead-letters/sendable.js'
import type { StoredDeadLetter } from '../../src/completions/dead-letters/dead-letter.js'
import { createDeadLetters, type DeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { INBOX_BATCH, jobId } from '../../src/completions/request.js'
import { jsonLines, MODEL, request, requests } from '../support/batch-files.js'
import { type TestBatch, testBatch } from '../support/batches.js'
import { letDie, NO_MODEL } from '../support/dead-batch.js'
import { refused } from '../support/endings.js'

let batch: TestBatch
let letters: DeadLetters
beforeEach(async () => {
  batch = await testBatch(requests(1200))
  const { redis, keys, deadLetters } = batch.session
  letters = createDeadLetters(redis, keys, deadLetters)
})

const letterOf = (index: number, generation = 0): StoredDeadLetter => {
  const place = batch.place(index, generation)
  return { ...refused(place).letter, id: jobId(place), edit: null, earlier: [] }
}

async function read(
  given: readonly StoredDeadLetter[],
  directory: TestBatch['directory'] | null = batch.directory,
) {
  const reader = createRequestReader(batch.session, directory)
  const found = await reader.read(given)
  await reader.close()
  return found
}

const missing = (reason: RegExp): ReadRequest => ({
  kind: 'missing',
  reason: expect.stringMatching(reason) as never,
})
const lost = (reason: RegExp) => ({ ...missing(reason), inputLost: true })

describe('the request of a dead letter', () => {
  it('is read from the input, in any order, with what a retry changed', async () => {
    await batch.session.redis.hset(batch.session.keys.edits(batch.id), '3', '{"set":{"model":"gpt-4o"}}')
    const found = await read([letterOf(1100), letterOf(3, 1), letterOf(4), letterOf(600)])
    const bodies = found.map((each) => (each.kind === 'there' ? each.body : each))
    expect(bodies).toMatchObject([
      { model: MODEL, messages: [{ content: 'say p-1101' }] },
      { model: 'gpt-4o', messages: [{ content: 'say p-4' }] },
      { model: MODEL, messages: [{ content: 'say p-5' }] },
      { model: MODEL, messages: [{ content: 'say p-601' }] },
    ])
  })

  it('of a program is in the letter itself', async () => {
    const own = { ...letterOf(0), batch: INBOX_BATCH, body: { model: 'x' } }
    expect(await read([own, letterOf(0)], null)).toEqual([
      { kind: 'there', body: { model: 'x' } },
      missing(/is kept in .*--data-dir/),
    ])
  })

  it('is missing where the input was edited or removed, or the batch is gone', async () => {
    await writeFile(batch.inputPath, jsonLines([request('other')]))
    expect(await read([letterOf(0)])).toEqual([lost(/edited after its batch began/)])
    await rm(batch.inputPath)
    expect(await read([letterOf(0)])).toEqual([lost(/is gone/)])
    const strange = { ...letterOf(0), batch: 'bffffffffffff', id: 'bffffffffffff-0-0' }
    expect(await read([strange, letterOf(0)])).toEqual([missing(/was removed/), lost(/is gone/)])
  })

  it('is missing for a line that was never a request, until it got a body', async () => {
    batch = await testBatch('{"custom_id": "p-1", "model": "m"}\n', {}, batch.session)
    expect(await read([letterOf(0)])).toEqual([missing(/^line 1 of the input .*There are no messages/)])
    await batch.session.redis.hset(batch.session.keys.edits(batch.id), '0', '{"body":{"model":"m"}}')
    expect(await read([letterOf(0, 1)])).toEqual([{ kind: 'there', body: { model: 'm' } }])
  })
})

it('letters are retried each with an edit of its own', async () => {
  batch = await testBatch(requests(3), {}, batch.session)
  await letDie(batch, () => NO_MODEL)
  const [first, second, third] = [0, 1, 2].map((index) => jobId(batch.place(index))) as [
    string,
    string,
    string,
  ]
  const edits = new Map([
    [first, { body: { model: 'a' } }],
    [third, null],
    [`${batch.id}-9-0`, null],
  ])
  expect(await letters.retryEach(edits)).toEqual({
    retried: 2,
    refused: [{ id: `${batch.id}-9-0`, why: 'not_there' }],
  })
  expect(await batch.session.redis.hgetall(batch.session.keys.edits(batch.id))).toEqual({
    0: '{"body":{"model":"a"}}',
  })
  expect((await letters.getMany([first, second, third])).map(({ id }) => id)).toEqual([second])
})

it('letters whose input was edited are told from those that can be sent, before anything is retried', async () => {
  batch = await testBatch(requests(3), {}, batch.session)
  await letDie(batch, () => NO_MODEL)
  const ids = [0, 1, 2].map((index) => jobId(batch.place(index)))
  const lot = { session: batch.session, letters }
  expect(await sendableOf(lot, ids, batch.directory)).toEqual({ ids, lost: [] })
  await rm(batch.inputPath)
  expect(await sendableOf(lot, ids, batch.directory)).toEqual({ ids: [], lost: ids })
  expect(await sendableOf(lot, ids, null)).toEqual({ ids, lost: [] })
})
