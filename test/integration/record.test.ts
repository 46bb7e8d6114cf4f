import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openCollector } from '../../src/batches/collector.js'
import type { Session } from '../../src/batches/session.js'
import { askVerdicts, type EndingOnDisk, record, recordFromDisk } from '../../src/completions/record.js'
import type { RequestPlace } from '../../src/completions/request.js'
import { requests } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused, USAGE } from '../support/endings.js'

let session: Session
let other: Session
let batch: TestBatch
beforeAll(async () => {
  session = await testSession()
})
beforeEach(async () => {
  batch = await testBatch(requests(20), {}, session)
})

const stream = () => session.redis.xrange(session.keys.stream(batch.id), '-', '+')
const fields = () => session.redis.hgetall(session.keys.batch(batch.id))
const isDone = async (index: number) => (await session.redis.getbit(session.keys.done(batch.id), index)) === 1

const open = () => {
  const { output, errors } = batch.manifest
  return openCollector({ batch: batch.id, directory: batch.paths.directory, output, errors }, batch.deps)
}

describe('recording an answer', () => {
  it('sets its bit, counts it and its tokens, and puts its line into the stream', async () => {
    const ending = answered(batch.place(7))
    expect(await batch.record(7, ending)).toBe('recorded')
    expect(await isDone(7)).toBe(true)
    expect(await isDone(6)).toBe(false)
    expect(await fields()).toMatchObject({
      completed: '1',
      failed: '0',
      prompt_tokens: '9',
      completion_tokens: '3',
      total_tokens: '12',
    })
    const [[, pairs] = ['', []], ...more] = await stream()
    expect(pairs).toEqual(['i', '7', 'g', '0', 'k', 'completed', 'l', ending.line, 'd', ''])
    expect(more).toEqual([])
  })

  it('twice records it once: the second changes nothing', async () => {
    await batch.record(7, answered(batch.place(7), 'the first'))
    const before = { stream: await stream(), fields: await fields() }
    expect(await batch.record(7, answered(batch.place(7), 'the second'))).toBe('already')
    expect(await batch.record(7, refused(batch.place(7)))).toBe('already')
    expect({ stream: await stream(), fields: await fields() }).toEqual(before)
  })

  it('from many sides at once records it once', async () => {
    other ??= await testSession()
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) => {
        const { redis } = n % 2 === 0 ? session : other
        return record(redis, session.keys, batch.place(n % 4), answered(batch.place(n % 4), `try ${n}`))
      }),
    )
    expect(replies.filter((reply) => reply === 'recorded')).toHaveLength(4)
    expect(replies.filter((reply) => reply === 'already')).toHaveLength(36)
    expect(await stream()).toHaveLength(4)
    expect(await fields()).toMatchObject({ completed: '4', total_tokens: '48' })
  })

  it('of another generation is stale: the request has been retried since', async () => {
    await session.redis.hset(session.keys.generations(batch.id), '7', 1)
    const before = await fields()
    expect(await batch.record(7, answered(batch.place(7, 0)))).toBe('stale')
    expect(await fields()).toEqual(before)
    expect(await stream()).toEqual([])
    expect(await isDone(7)).toBe(false)
    const place = batch.place(7, 1)
    expect(await record(session.redis, session.keys, place, answered(place))).toBe('recorded')
  })

  it('of a generation that does not exist yet is stale too', async () => {
    const place = batch.place(7, 1)
    expect(await record(session.redis, session.keys, place, answered(place))).toBe('stale')
  })

  it('of a batch that nobody knows leaves nothing behind', async () => {
    const place = { batch: 'bffffffffffff', index: 0, generation: 0 }
    expect(await record(session.redis, session.keys, place, answered(place))).toBe('gone')
    expect(await session.redis.keys(`${session.keys.batch('bffffffffffff')}*`)).toEqual([])
  })

  it('of a batch that was stopped meanwhile is kept: it was paid for', async () => {
    await session.store.end(batch.id, 'stopped', 'why')
    expect(await batch.record(7, answered(batch.place(7)))).toBe('recorded')
    expect(await stream()).toHaveLength(1)
  })
})

describe('recording a dead letter', () => {
  it('counts it by its code, and keeps the letter beside the line', async () => {
    const ending = refused(batch.place(3))
    expect(await batch.record(3, ending)).toBe('recorded')
    await batch.record(4, refused(batch.place(4)))
    expect(await fields()).toMatchObject({
      completed: '0',
      failed: '2',
      'failed:CHAT_MODEL_NOT_FOUND': '2',
    })
    const [[, pairs] = ['', []]] = await stream()
    expect(pairs.slice(4, 8)).toEqual(['k', 'dead', 'l', ending.line])
    expect(JSON.parse(pairs[9] ?? '')).toEqual(ending.letter)
  })
})

describe('recording what is on disk already', () => {
  const onDisk: EndingOnDisk = { kind: 'completed', code: '', usage: USAGE }

  it('counts it without the stream: it is not to be written again', async () => {
    expect(await recordFromDisk(session.redis, session.keys, batch.place(7), onDisk)).toBe('recorded')
    expect(await stream()).toEqual([])
    expect(await isDone(7)).toBe(true)
    expect(await fields()).toMatchObject({ completed: '1', total_tokens: '12' })
  })

  it('counts a failure by its code', async () => {
    const dead: EndingOnDisk = { ...onDisk, kind: 'dead', code: 'VALIDATION_ERROR' }
    await recordFromDisk(session.redis, session.keys, batch.place(7), dead)
    expect(await fields()).toMatchObject({ failed: '1', 'failed:VALIDATION_ERROR': '1' })
  })

  it('changes nothing when it was recorded', async () => {
    await batch.record(7, answered(batch.place(7)))
    const before = { stream: await stream(), fields: await fields() }
    expect(await recordFromDisk(session.redis, session.keys, batch.place(7), onDisk)).toBe('already')
    expect({ stream: await stream(), fields: await fields() }).toEqual(before)
  })

  it('is stale for an older generation', async () => {
    await session.redis.hset(session.keys.generations(batch.id), '7', 2)
    expect(await recordFromDisk(session.redis, session.keys, batch.place(7), onDisk)).toBe('stale')
  })
})

describe('the verdict on a request', () => {
  const verdictOn = async (place: RequestPlace) =>
    (await askVerdicts(session.redis, session.keys, place.batch, [place]))[0]
  const verdict = (index: number, generation = 0) => verdictOn(batch.place(index, generation))

  it('is asked for many at once, and given in their order', async () => {
    await batch.record(7, answered(batch.place(7)))
    const places = [batch.place(6), batch.place(7), batch.place(8, 1), batch.place(9)]
    expect(await askVerdicts(session.redis, session.keys, batch.id, places)).toEqual([
      'go',
      'done',
      'done',
      'go',
    ])
  })

  it('is to go when nothing is against it', async () => {
    expect(await verdict(7)).toBe('go')
  })

  it('is that it is done once it has ended, however', async () => {
    await batch.record(7, answered(batch.place(7)))
    await batch.record(8, refused(batch.place(8)))
    expect([await verdict(7), await verdict(8), await verdict(9)]).toEqual(['done', 'done', 'go'])
  })

  it('is that an older generation is done, and the new one may go', async () => {
    await session.redis.hset(session.keys.generations(batch.id), '7', 1)
    expect([await verdict(7, 0), await verdict(7, 1)]).toEqual(['done', 'go'])
  })

  it.each(['stopped', 'replaced'] as const)('is to stop when its batch is %s', async (state) => {
    await session.store.end(batch.id, state, 'why')
    expect(await verdict(7)).toBe('stopped')
  })

  it('is to wait while too many answers of its batch are not in files', async () => {
    const letter = refused(batch.place(9, 0))
    const endings = [answered(batch.place(7)), answered(batch.place(8), '漢👩‍🚀é'), letter]
    for (const [i, ending] of endings.entries()) await batch.record(7 + i, ending)
    await batch.record(7, answered(batch.place(7), 'again'))
    const bytes = endings.reduce((sum, { line }) => sum + Buffer.byteLength(line), 0)
    const waiting = bytes + Buffer.byteLength(JSON.stringify(letter.letter))
    expect(await fields()).toMatchObject({ streamBytes: String(waiting) })

    await session.redis.hset(session.keys.batch(batch.id), 'streamBytes', 16_000_000 + waiting)
    expect([await verdict(6), await verdict(7)]).toEqual(['wait', 'done'])
    const collector = await open()
    await batch.record(10, answered(batch.place(10)))
    expect(await collector.collect()).toBe(4)
    await collector.close()
    expect(await verdict(6)).toBe('go')
    expect(await fields()).not.toHaveProperty('streamBytes')
  })

  it('is to wait until its files were compared with a Redis that may have lost what they hold', async () => {
    await session.redis.hset(session.keys.batch(batch.id), 'checkedRun', 'of another run')
    expect(await verdict(7)).toBe('wait')
    await (await open()).close()
    expect(await verdict(7)).toBe('go')
  })

  it('is to go again when a stopped batch was reopened', async () => {
    await session.store.end(batch.id, 'stopped', 'why')
    await session.store.reopen(batch.id)
    expect(await verdict(7)).toBe('go')
  })

  it('is to stop when Redis knows no such batch', async () => {
    const place = { batch: 'bffffffffffff', index: 0, generation: 0 }
    expect(await verdictOn(place)).toBe('stopped')
  })
})
