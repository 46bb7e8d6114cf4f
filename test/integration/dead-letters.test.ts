import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { manyLetters } from '../../scripts/many-letters.js'
import type { Session } from '../../src/batches/session.js'
import type { DeadLetter } from '../../src/completions/dead-letters/dead-letter.js'
import { createDeadLetters, type DeadLetters } from '../../src/completions/dead-letters/dead-letters.js'
import { leave } from '../../src/completions/dead-letters/leave.js'
import { type DeadLetterFilter, find } from '../../src/completions/dead-letters/select.js'
import { jobId, type RequestPlace } from '../../src/completions/request.js'
import { requests } from '../support/batch-files.js'
import { type TestBatch, testBatch, testSession } from '../support/batches.js'
import { answered, refused } from '../support/endings.js'

let session: Session
let dead: DeadLetters
beforeEach(async () => {
  session = await testSession()
  dead = deadLettersOf(session)
})

const deadLettersOf = ({ redis, keys, deadLetters }: Session) => createDeadLetters(redis, keys, deadLetters)

const deps = () => ({ redis: session.redis, keys: session.keys, queue: session.deadLetters })

const BATCH = 'b0123456789ab'
const OTHER = 'bffffffffffff'

function letter(place: Partial<RequestPlace>, more: Partial<DeadLetter> = {}): DeadLetter {
  const whole = { batch: BATCH, index: 0, generation: 0, ...place }
  return { ...refused(whole).letter, at: 1000 + whole.index, ...more }
}

async function found(filter: DeadLetterFilter = {}): Promise<string[]> {
  const ids: string[] = []
  for await (const page of dead.find(filter)) ids.push(...page)
  return ids
}

/** Everything that is kept of dead letters, BullMQ's jobs included. */
async function everything(): Promise<Record<string, unknown>> {
  const { redis, keys } = session
  const names = (await redis.keys(`${keys.tag}:dead*`)).filter(
    (name) => !/:(events|meta|pc|marker|id)$/.test(name),
  )
  const entries = await Promise.all(
    names.map(async (name) => {
      const type = await redis.type(name)
      return [
        name,
        type === 'hash' ? await redis.hgetall(name) : await redis.zrange(name, '0', '-1', 'WITHSCORES'),
      ]
    }),
  )
  return Object.fromEntries(entries)
}

describe('burying', () => {
  it('puts a letter into its BullMQ queue, under its code, and into every index', async () => {
    const buried = letter({ index: 3 })
    await dead.bury([buried])
    const [job, ...more] = await session.deadLetters.getPrioritized()
    expect(more).toEqual([])
    expect(job).toMatchObject({ id: `${BATCH}-3-0`, name: buried.code, data: buried, priority: 1 })
    const filters: DeadLetterFilter[] = [{}, { batch: BATCH }, { code: buried.code }, { model: 'm' }]
    for (const filter of filters) expect(await found(filter)).toEqual([`${BATCH}-3-0`])
    expect(await dead.get(`${BATCH}-3-0`)).toEqual({ ...buried, id: `${BATCH}-3-0`, edit: null, earlier: [] })
  })

  it('twice changes nothing', async () => {
    const letters = [letter({ index: 0 }), letter({ index: 1 }), letter({ batch: OTHER })]
    await dead.bury(letters)
    const before = await everything()
    await dead.bury(letters)
    await Promise.all([dead.bury(letters), dead.bury(letters.slice(1))])
    expect(await everything()).toEqual(before)
    expect(await dead.count({})).toBe(3)
  })

  it('files no letter whose request was retried since, and leaves nothing of it', async () => {
    await session.redis.hset(session.keys.generations(BATCH), '1', 2)
    await dead.bury([
      letter({ index: 0 }),
      letter({ index: 1, generation: 1 }),
      letter({ index: 1, generation: 2 }),
    ])
    expect(await found()).toEqual([`${BATCH}-0-0`, `${BATCH}-1-2`])
    expect(await session.deadLetters.getPrioritizedCount()).toBe(2)
    expect(await session.redis.exists(session.keys.deadLetters.leaving)).toBe(0)
  })

  it('goes on when Redis forgot its scripts', async () => {
    await dead.bury([letter({ index: 0 })])
    await session.redis.script('FLUSH')
    await dead.bury([letter({ index: 1 }), letter({ index: 2 })])
    expect(await dead.count({})).toBe(3)
    expect(await session.deadLetters.getPrioritizedCount()).toBe(3)
  })

  it('fills in what a crash left undone: a job without its place in the indexes', async () => {
    await session.deadLetters.add('CODE', letter({ index: 4 }), { jobId: `${BATCH}-4-0`, priority: 1 })
    expect(await found()).toEqual([])
    await dead.bury([letter({ index: 4 })])
    expect(await found()).toEqual([`${BATCH}-4-0`])
    expect(await session.deadLetters.getPrioritizedCount()).toBe(1)
  })
})

describe('finding', () => {
  const CODES = ['CHAT_MODEL_NOT_FOUND', 'VALIDATION_ERROR', 'retries_exhausted']
  const arbitraryLetter = fc.record({
    batch: fc.constantFrom(BATCH, OTHER),
    index: fc.nat({ max: 40 }),
    generation: fc.nat({ max: 2 }),
    code: fc.constantFrom(...CODES),
    model: fc.constantFrom('gpt-4o', 'a\nstrange: {model}', 'm'.repeat(300), null),
    at: fc.integer({ min: 1, max: 5 }),
  })
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
  const arbitraryFilter = fc.record({
    batch: optional(fc.constantFrom(BATCH, OTHER, 'baaaaaaaaaaaa')),
    code: optional(fc.constantFrom(...CODES)),
    model: optional(fc.constantFrom('gpt-4o', 'a\nstrange: {model}', 'm'.repeat(300))),
    olderThanMs: optional(fc.integer({ min: 0, max: 7 })),
    ids: optional(fc.array(arbitraryLetter.map(jobId), { maxLength: 20 })),
  })
  const given = (filter: Record<string, unknown>): DeadLetterFilter =>
    Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))

  function fits(one: DeadLetter, filter: DeadLetterFilter): boolean {
    const { ids, batch, code, model, olderThanMs } = filter
    if (ids !== undefined && !ids.includes(jobId(one))) return false
    if (batch !== undefined && one.batch !== batch) return false
    if (code !== undefined && one.code !== code) return false
    if (model !== undefined && one.model !== model) return false
    return olderThanMs === undefined || one.at < olderThanMs
  }

  it('gives, counts and groups what a plain search would', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(arbitraryLetter, { selector: jobId, maxLength: 60 }),
        fc.array(arbitraryFilter, { minLength: 3, maxLength: 3 }),
        async (places, filters) => {
          await dead.trim({ olderThanMs: 0, most: 0 })
          const letters = places.map((place) => ({ ...refused(place).letter, ...place }))
          await dead.bury(letters)
          for (const filter of filters.map(given)) {
            const expected = letters
              .filter((one) => fits(one, filter))
              .sort((a, b) => a.at - b.at || (jobId(a) < jobId(b) ? -1 : 1))
            expect(await found(filter)).toEqual(expected.map(jobId))
            expect(await dead.count(filter)).toBe(expected.length)
            const groups = await dead.groups(filter)
            expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length)
            for (const group of groups) {
              const own = expected.filter(({ code }) => code === group.code)
              expect(group).toMatchObject({
                count: own.length,
                oldestAt: own[0]?.at,
                newestAt: own.at(-1)?.at,
                example: jobId(own[0] as DeadLetter),
              })
            }
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on behind the last one when letters leave between pages, also among those of one moment', async () => {
    const letters = Array.from({ length: 160 }, (_, index) => letter({ index }, { at: index < 20 ? 6 : 7 }))
    await dead.bury(letters)
    const pages: string[][] = []
    for await (const page of find({}, deps(), 25)) {
      pages.push([...page])
      // Some leave, among them the last one looked at; others stay.
      await dead.discard(page.filter((_, i) => i % 3 === 0 || i === page.length - 1))
    }
    expect(pages.map(({ length }) => length)).toEqual([25, 25, 25, 25, 25, 25, 10])
    expect(pages.flat().sort()).toEqual(letters.map(jobId).sort())
  })

  it('gives nothing that dies while it goes on: a retry of all comes to an end', async () => {
    await dead.bury([letter({ index: 0 }), letter({ index: 1 })])
    const seen: string[] = []
    for await (const page of dead.find({})) {
      seen.push(...page)
      await dead.bury(page.map((_, i) => letter({ index: i + 10 * seen.length }, { at: Date.now() })))
    }
    expect(seen).toHaveLength(2)
  })
})

describe('groups', () => {
  it('tell codes, messages and fields apart, the largest first', async () => {
    await dead.bury(manyLetters(BATCH, 30))
    const groups = await dead.groups({})
    expect(groups.map(({ code, message, fields, count }) => ({ code, message, fields, count }))).toEqual([
      {
        code: 'VALIDATION_ERROR',
        message: 'max_tokens must be at most …',
        fields: ['max_tokens'],
        count: 15,
      },
      { code: 'CHAT_MODEL_NOT_FOUND', message: 'The model … does not exist', fields: [], count: 9 },
      { code: 'retries_exhausted', message: 'Service unavailable, request …', fields: [], count: 6 },
    ])
    expect(await dead.get(groups[0]?.example ?? '')).toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  it('leave with their last letter', async () => {
    await dead.bury(manyLetters(BATCH, 30))
    await dead.discard(await found({ code: 'retries_exhausted' }))
    expect(await dead.groups({})).toHaveLength(2)
    expect(await session.redis.hlen(session.keys.deadLetters.groups)).toBe(2)
  })

  it('are bounded: what is too much goes to one group for each code', async () => {
    const saying = (index: number) => {
      const word = [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('')
      const plain = letter({ index })
      return { ...plain, failure: { ...plain.failure, message: `word ${word}` } }
    }
    await dead.bury(Array.from({ length: 1010 }, (_, index) => saying(index)))
    const groups = await dead.groups({})
    expect(groups).toHaveLength(1001)
    expect(groups[0]).toMatchObject({ code: 'CHAT_MODEL_NOT_FOUND', message: 'other messages', count: 10 })
  })
})

/** A batch whose first requests have died and lie there; everything else of it was answered. */
async function deadBatch(deaths: number, total = deaths): Promise<TestBatch> {
  const batch = await testBatch(requests(total), {}, session)
  for (let index = 0; index < total; index++) {
    const place = batch.place(index)
    await batch.record(index, index < deaths ? refused(place) : answered(place))
  }
  await session.redis.del(session.keys.stream(batch.id))
  await dead.bury(Array.from({ length: deaths }, (_, index) => refused(batch.place(index)).letter))
  return batch
}

const fields = (batch: TestBatch) => session.redis.hgetall(session.keys.batch(batch.id))
const editOf = async (batch: TestBatch, index: number) =>
  JSON.parse((await session.redis.hget(session.keys.edits(batch.id), String(index))) ?? 'null')

describe('a retry', () => {
  it('opens the request again at its next generation, and takes the letter out', async () => {
    const batch = await deadBatch(3, 5)
    const ids = [`${batch.id}-0-0`, `${batch.id}-2-0`]
    expect(await dead.retry(ids, null)).toEqual({ retried: 2, refused: [] })
    const { redis, keys } = session
    expect(await found()).toEqual([`${batch.id}-1-0`])
    expect(await session.deadLetters.getPrioritizedCount()).toBe(1)
    expect(await redis.hgetall(keys.generations(batch.id))).toEqual({ 0: '1', 2: '1' })
    expect(await redis.zrange(keys.retries(batch.id), '0', '-1', 'WITHSCORES')).toEqual(['0', '0', '2', '2'])
    const bits = await Promise.all([0, 1, 2, 3].map((index) => redis.getbit(keys.done(batch.id), index)))
    expect(bits).toEqual([0, 1, 0, 1])
    expect(await fields(batch)).toMatchObject({
      state: 'running',
      completed: '2',
      failed: '1',
      'failed:CHAT_MODEL_NOT_FOUND': '1',
      superseded: '2',
    })
  })

  it('lets a batch that was completed run again, and only that', async () => {
    const batch = await deadBatch(2)
    const { redis, keys } = session
    await redis.hset(keys.gate, 'pauses', 5)
    await redis.hset(keys.batch(batch.id), 'state', 'completed', 'finishedAt', 1, 'reason', '', 'pauses', 2)
    await redis.srem(keys.activeBatches, batch.id)
    await redis.expire(keys.done(batch.id), 1000)
    await dead.retry([`${batch.id}-0-0`], null)
    const after = await fields(batch)
    expect(after).toMatchObject({ state: 'running', pausesBefore: '3' })
    expect(Object.keys(after)).not.toEqual(expect.arrayContaining(['finishedAt']))
    expect(after).not.toHaveProperty('reason')
    expect(after).not.toHaveProperty('pauses')
    expect(await redis.smembers(keys.activeBatches)).toEqual([batch.id])
    expect(await redis.ttl(keys.done(batch.id))).toBe(-1)
  })

  it('of the last letter of a code leaves no count of that code', async () => {
    const batch = await deadBatch(1)
    await dead.retry([`${batch.id}-0-0`], null)
    expect(await fields(batch)).not.toHaveProperty('failed:CHAT_MODEL_NOT_FOUND')
  })

  it('repeated changes nothing, and says that they are not there', async () => {
    const batch = await deadBatch(3)
    const ids = [0, 1, 2].map((index) => `${batch.id}-${index}-0`)
    await dead.retry(ids, null)
    const before = { all: await everything(), fields: await fields(batch) }
    expect(await dead.retry(ids, null)).toEqual({
      retried: 0,
      refused: ids.map((id) => ({ id, why: 'not_there' })),
    })
    expect({ all: await everything(), fields: await fields(batch) }).toEqual(before)
  })

  it('by many at once opens each request once', async () => {
    const batch = await deadBatch(40)
    const ids = await found()
    const other = deadLettersOf(await testSession(session.keys.tag.slice(1).split(':')[0]))
    await Promise.all([dead.retry(ids, null), other.retry(ids, null), dead.retry([...ids].reverse(), null)])
    expect(await fields(batch)).toMatchObject({ failed: '0', superseded: '40' })
    const generations = Object.values(await session.redis.hgetall(session.keys.generations(batch.id)))
    expect(new Set(generations)).toEqual(new Set(['1']))
    expect(await session.deadLetters.getPrioritizedCount()).toBe(0)
  })

  it.each(['replaced', 'stopped'] as const)('is refused when its batch is %s', async (state) => {
    const batch = await deadBatch(1)
    await session.store.end(batch.id, state, 'why')
    const id = `${batch.id}-0-0`
    expect(await dead.retry([id], null)).toEqual({ retried: 0, refused: [{ id, why: 'ended' }] })
    expect(await dead.count({})).toBe(1)
  })

  it('is refused when its batch is gone, or what it knew of its requests', async () => {
    const batch = await deadBatch(1)
    await dead.bury([letter({ batch: OTHER })])
    await session.redis.del(session.keys.done(batch.id))
    const ids = [`${batch.id}-0-0`, `${OTHER}-0-0`]
    expect(await dead.retry(ids, null)).toEqual({
      retried: 0,
      refused: ids.map((id) => ({ id, why: 'gone' })),
    })
  })

  it('is refused for what is no id, and for a letter that never was', async () => {
    const ids = ['nonsense', `${BATCH}-5-0`]
    expect(await dead.retry(ids, null)).toEqual({
      retried: 0,
      refused: ids.map((id) => ({ id, why: 'not_there' })),
    })
  })

  it('of a line that was never a request needs a whole body', async () => {
    const batch = await testBatch(requests(1), {}, session)
    const unsendable = { ...refused(batch.place(0)), letter: letter(batch.place(0), { sendable: false }) }
    await batch.record(0, unsendable)
    await dead.bury([unsendable.letter])
    const id = `${batch.id}-0-0`
    const refusal = { retried: 0, refused: [{ id, why: 'not_sendable' }] }
    expect(await dead.retry([id], null)).toEqual(refusal)
    expect(await dead.retry([id], { set: { model: 'gpt-5' } })).toEqual(refusal)
    expect(await dead.retry([id], { body: { model: 'gpt-5', messages: [] } })).toEqual({
      retried: 1,
      refused: [],
    })
    expect(await editOf(batch, 0)).toEqual({ body: { model: 'gpt-5', messages: [] } })
  })

  it('notes what it changes, on top of what earlier retries changed, until there is an answer', async () => {
    const batch = await deadBatch(1)
    await dead.retry([`${batch.id}-0-0`], { set: { model: 'gpt-5', temperature: 0 } })
    await dieAgain(batch, 1)
    expect((await dead.get(`${batch.id}-0-1`))?.edit).toEqual({ set: { model: 'gpt-5', temperature: 0 } })
    await dead.retry([`${batch.id}-0-1`], { set: { model: 'gpt-5-mini' } })
    expect(await editOf(batch, 0)).toEqual({ set: { model: 'gpt-5-mini', temperature: 0 } })
    await dieAgain(batch, 2)
    await dead.retry([`${batch.id}-0-2`], null)
    expect(await editOf(batch, 0)).toEqual({ set: { model: 'gpt-5-mini', temperature: 0 } })
    await batch.deps.record(batch.place(0, 3), answered(batch.place(0, 3)))
    expect(await editOf(batch, 0)).toBeNull()
  })

  it('gives a request without an input file its whole body along', async () => {
    const batch = await testBatch(requests(2), {}, session)
    const body = { model: 'm', messages: [{ role: 'user', content: 'x' }] }
    for (const index of [0, 1]) await batch.record(index, refused(batch.place(index)))
    await dead.bury([0, 1].map((index) => ({ ...refused(batch.place(index)).letter, body })))
    await dead.retry([`${batch.id}-0-0`], null)
    expect(await dead.retry([`${batch.id}-1-0`], { set: { 'model.x': 1 } })).toMatchObject({ retried: 0 })
    await dead.retry([`${batch.id}-1-0`], { set: { 'messages.0.content': 'y' } })
    expect(await editOf(batch, 0)).toEqual({ body })
    expect(await editOf(batch, 1)).toEqual({ body: { ...body, messages: [{ role: 'user', content: 'y' }] } })
  })

  it('remembers the end that it undoes: the last 20 of them, and no body', async () => {
    const batch = await deadBatch(1)
    for (let generation = 0; generation < 23; generation++) {
      await dead.retry([`${batch.id}-0-${generation}`], { set: { model: `gpt-${generation}` } })
      await dieAgain(batch, generation + 1)
    }
    const earlier = (await dead.get(`${batch.id}-0-23`))?.earlier ?? []
    expect(earlier.map(({ generation }) => generation)).toEqual(Array.from({ length: 20 }, (_, i) => i + 3))
    expect(earlier[0]).toEqual({
      at: 1003,
      status: 404,
      code: 'CHAT_MODEL_NOT_FOUND',
      message: 'There is no such model',
      requestId: 'req_refused',
      generation: 3,
      attempts: 1,
      edited: ['model'],
      customId: 'p-1',
      line: 1,
    })
  })

  /** The first request of a batch dies again, at a generation. */
  async function dieAgain(batch: TestBatch, generation: number): Promise<void> {
    const place = batch.place(0, generation)
    await batch.deps.record(place, refused(place))
    await dead.bury([{ ...refused(place).letter, at: 1000 + generation }])
  }
})

describe('a crash between the script and the removal of the jobs', () => {
  it('leaves letters that nobody sees, and that the next sweep removes', async () => {
    await dead.bury([letter({ index: 0 }), letter({ index: 1 })])
    expect(await leave([`${BATCH}-0-0`], deps())).toBe(1)
    expect(await session.deadLetters.getPrioritizedCount()).toBe(2)
    expect(await dead.get(`${BATCH}-0-0`)).toBeNull()
    expect(await found()).toEqual([`${BATCH}-1-0`])
    expect(await dead.sweep()).toBe(1)
    expect(await session.deadLetters.getPrioritizedCount()).toBe(1)
    expect(await dead.sweep()).toBe(0)
  })

  it('does not let a letter come back when the collector repeats itself', async () => {
    const batch = await deadBatch(1)
    const { letter: buried } = refused(batch.place(0))
    await dead.retry([jobId(buried)], null)
    await dead.bury([buried])
    expect(await dead.count({})).toBe(0)
    expect(await session.deadLetters.getPrioritizedCount()).toBe(0)
    expect(await session.redis.exists(session.keys.deadLetters.leaving)).toBe(0)
  })

  it('and a repeated burial meanwhile leave neither a job without a place nor a place without a job', async () => {
    await dead.bury([letter({ index: 0 })])
    await leave([`${BATCH}-0-0`], deps())
    await Promise.all([
      dead.sweep(),
      dead.bury([letter({ index: 0 })]),
      dead.sweep(),
      dead.bury([letter({ index: 0 })]),
    ])
    await dead.sweep()
    expect(await session.deadLetters.getPrioritizedCount()).toBe(await dead.count({}))
  })
})

describe('what is not wanted any more', () => {
  it('is discarded: letter, job and indexes go, the request stays failed', async () => {
    const batch = await deadBatch(3)
    expect(await dead.discard([`${batch.id}-0-0`, `${batch.id}-1-0`, 'nonsense'])).toBe(2)
    expect(await dead.discard([`${batch.id}-0-0`])).toBe(0)
    expect(await found()).toEqual([`${batch.id}-2-0`])
    expect(await session.deadLetters.getPrioritizedCount()).toBe(1)
    expect(await fields(batch)).toMatchObject({ failed: '3' })
  })

  it('goes with its batch', async () => {
    await dead.bury(manyLetters(BATCH, 450))
    await dead.bury([letter({ batch: OTHER })])
    expect(await dead.purgeBatch(BATCH)).toBe(450)
    expect(await found()).toEqual([`${OTHER}-0-0`])
    expect(await session.deadLetters.getPrioritizedCount()).toBe(1)
    expect(await session.redis.keys(`${session.keys.tag}:dead*${BATCH}*`)).toEqual([])
  })

  it('is trimmed by age and by number, the oldest first', async () => {
    const letters = Array.from({ length: 500 }, (_, index) => letter({ index }))
    await dead.bury(letters)
    expect(await dead.trim({ olderThanMs: 0, most: 1000 })).toBe(0)
    expect(await dead.trim({ olderThanMs: 1010, most: 1000 })).toBe(10)
    expect(await dead.trim({ olderThanMs: 1020, most: 200 })).toBe(290)
    expect(await found()).toEqual(letters.slice(300).map(jobId))
  })

  it('leaves nothing behind in Redis', async () => {
    await dead.bury(manyLetters(BATCH, 30))
    await dead.discard(await found())
    expect(await everything()).toEqual({})
  })
})

describe('ten thousand dead letters of three kinds', () => {
  const COUNT = 10_000
  const SOON_MS = 1000
  let many: DeadLetters
  beforeAll(async () => {
    many = deadLettersOf(await testSession())
    await many.bury(manyLetters(BATCH, COUNT))
  })

  /** The best of a few: what else the machine does is not what is measured. */
  async function timed<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const start = performance.now()
      const result = await run()
      const tookMs = performance.now() - start
      if (tookMs >= SOON_MS && attempt < 5) continue
      expect(tookMs).toBeLessThan(SOON_MS)
      return result
    }
  }

  it('are grouped in under a second', async () => {
    const groups = await timed(() => many.groups({}))
    expect(groups.map(({ count }) => count)).toEqual([5000, 3000, 2000])
  })

  it('are listed in under a second, with their letters', async () => {
    const ids: string[] = []
    await timed(async () => {
      for await (const page of many.find({})) ids.push(...page)
    })
    expect(ids).toHaveLength(COUNT)
    expect(await timed(() => many.getMany(ids.slice(0, 100)))).toHaveLength(100)
  })

  it.each<[DeadLetterFilter, number]>([
    [{ code: 'CHAT_MODEL_NOT_FOUND' }, 3000],
    [{ batch: BATCH }, COUNT],
    [{ model: 'gpt-9' }, 3000],
    [{ olderThanMs: 5000 }, 5000],
    [{ batch: BATCH, code: 'VALIDATION_ERROR', model: 'gpt-4o', olderThanMs: 5000 }, 2500],
  ])('are filtered by %j in under a second', async (filter, expected) => {
    expect(await timed(() => many.count(filter))).toBe(expected)
    const groups = await timed(() => many.groups(filter))
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(expected)
  })
})
