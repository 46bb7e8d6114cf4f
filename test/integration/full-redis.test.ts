import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type Session } from '../../src/batches/session.js'
import { askVerdicts } from '../../src/completions/record.js'
import { readMemory } from '../../src/redis/inspect.js'
import { reserveOf } from '../../workers/redis-room.js'
import { expectAnswers, ids, linesIn, requests } from '../support/batch-files.js'
import { testBatch } from '../support/batches.js'
import { completion, type ScriptedConduit, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { startTestRoles } from '../support/roles.js'

const TOTAL = 60
const MEGABYTE = 1 << 20

it('so much memory is kept free: 8 MB, but of a small memory a fifth, of a large one a twentieth', () => {
  expect([10, 100, 1000].map((megabytes) => reserveOf(megabytes * MEGABYTE) / MEGABYTE)).toEqual([2, 8, 50])
})

describe.skipIf(serverBinary === null)('a Redis that gets full', () => {
  let redis: PrivateRedis
  let session: Session
  let conduit: ScriptedConduit
  beforeEach(async () => {
    redis = await startPrivateRedis()
    session = await openSession({
      target: { url: redis.url },
      keyPrefix: 'cb',
      queue: 'default',
      role: 'worker',
      onRedisLost: () => undefined,
      onWarning: () => undefined,
    })
    conduit = await scriptConduit()
  })
  afterEach(async () => {
    await session.close()
    await redis.stop()
  })

  const limit = (bytes: number) => session.redis.config('SET', 'maxmemory', Math.round(bytes))
  const used = async () => (await readMemory(session.redis)).usedBytes

  /** Other people's keys fill it but for a little. */
  async function fillNearly(): Promise<void> {
    await limit((await used()) + 20 * MEGABYTE)
    await session.redis.setrange('ballast', 18 * MEGABYTE, 'x')
  }

  it.each([
    ['nearly, and then entirely', fillNearly],
    ['at once', async () => undefined],
  ])('%s: calls in flight are kept, and it goes on by itself when there is room', async (_, before) => {
    const batch = await testBatch(requests(TOTAL), {}, session)
    await batch.lease.release()
    const roles = await startTestRoles(session, {
      baseUrl: conduit.baseUrl,
      dataDirectory: batch.directory.path,
    })
    await eventually('calls are out', () => conduit.calls.length >= 10)
    await before()
    if (before === fillNearly) await untilHeld()
    await limit((await used()) - MEGABYTE)
    await untilHeld()
    const inFlight = conduit.calls.length
    for (const call of conduit.calls) answer(call)
    await eventually('they are on disk', async () => (await linesIn(batch.paths.results)) >= inFlight, {
      deadlineMs: 8000,
    })
    await expect(session.redis.set('more', 'x')).rejects.toThrow('OOM')

    await session.redis.del('ballast')
    await limit(0)
    let answered = inFlight
    await eventually('the batch ends', async () => {
      for (; conduit.calls[answered] !== undefined; answered++) answer(conduit.calls[answered])
      return (await session.store.marks(batch.id))?.state === 'completed'
    })
    await expectAnswers(batch.manifest.output, ids(TOTAL))
    expect(conduit.calls).toHaveLength(TOTAL)
    expect(await session.gate.pastIncidents(9)).toMatchObject([{ code: 'redis_full', liftedBy: 'room' }])
    const told = (await session.redis.hkeys(session.keys.outbox)).map((id) => id.replace(/^i-.*-/, ''))
    expect(told.sort()).toEqual(['opened', 'resolved'])
    await roles.close(0)
  })

  it('entirely: whether a request may be called is told, and noted with its job', async () => {
    const batch = await testBatch(requests(1), {}, session)
    const job = session.completions.toKey(`${batch.id}-0-0`)
    await session.redis.set(`${job}:lock`, 'ours')
    await session.redis.hset(job, 'ats', 2)
    await limit(1)
    await expect(session.redis.hset(job, 'called', 2)).rejects.toThrow('OOM')
    const run = { ...batch.place(0), token: 'ours', start: 2 }
    expect(await askVerdicts(session.redis, session.keys, batch.id, [run])).toEqual(['go'])
    expect(await session.redis.hget(job, 'called')).toBe('2')
    await limit(0)
    await batch.lease.release()
  })

  async function untilHeld(): Promise<void> {
    await eventually('it is held', async () => (await session.gate.read()).holds.length > 0)
    expect((await session.gate.read()).holds).toMatchObject([{ reason: 'storage', code: 'redis_full' }])
  }
})

function answer(call: ScriptedConduit['calls'][number] | undefined): void {
  call?.answer(completion(`answer to: ${call.prompt} .`))
}
