import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBatchFiles } from '../../src/batches/batch-files.js'
import { hasEnded } from '../../src/batches/ended-mark.js'
import { registerBatch } from '../../src/batches/register-batch.js'
import { registerLost } from '../../src/batches/register-lost.js'
import { openSession, type Session } from '../../src/batches/session.js'
import { dropWriter, noteWriter } from '../../src/batches/writers.js'
import { currentProcess, formatProcess, processWithPid } from '../../src/process-identity.js'
import { expectAnswers, ids, linesIn, readOutput, requests } from '../support/batch-files.js'
import { leaseOn, type TestBatch, testBatch } from '../support/batches.js'
import { completion, type ScriptedConduit, scriptConduit } from '../support/conduit.js'
import { answered as answerTo } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { type PrivateRedis, serverBinary, startPrivateRedis } from '../support/private-redis.js'
import { startTestRoles } from '../support/roles.js'

const TOTAL = 60

describe.skipIf(serverBinary === null)('with a Redis of its own', () => {
  let redis: PrivateRedis
  let session: Session
  let conduit: ScriptedConduit
  let answered: number
  beforeEach(async () => {
    answered = 0
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

  const newBatch = async (): Promise<TestBatch> => {
    const batch = await testBatch(requests(TOTAL), {}, session)
    await batch.lease.release()
    return batch
  }

  const lostOf = ({ directory }: TestBatch) => registerLost(session, directory)

  const work = ({ directory }: TestBatch) =>
    startTestRoles(session, { baseUrl: conduit.baseUrl, dataDirectory: directory.path })

  /** Answers calls until so many lines are on disk; the others stay out. */
  async function answerUntil(batch: TestBatch, lines: number): Promise<void> {
    await eventually(`${lines} lines are on disk`, async () => {
      while (answered < lines && conduit.calls[answered] !== undefined) reply(conduit, answered++)
      return (await linesIn(batch.paths.results)) >= lines
    })
  }

  async function finish(batch: TestBatch): Promise<void> {
    await eventually('the batch ends', async () => {
      while (conduit.calls[answered] !== undefined) reply(conduit, answered++)
      return (await session.store.marks(batch.id))?.state === 'completed'
    })
    await expectAnswers(batch.manifest.output, ids(TOTAL))
  }

  /** Calls of prompts that had their answer on disk at some moment, made after it. */
  async function paidAgain(onDisk: readonly string[], callsBefore: number): Promise<string[]> {
    const later = new Set(conduit.calls.slice(callsBefore).map(({ prompt }) => prompt))
    return onDisk.filter((id) => later.has(`say ${id}`))
  }

  it('that comes back older: what is on disk is neither called nor written again', async () => {
    const batch = await newBatch()
    const roles = await work(batch)
    await answerUntil(batch, 10)
    await redis.copy()
    await answerUntil(batch, 30)
    const onDisk = (await readOutput(batch.paths.results)).map(({ custom_id }) => custom_id)
    const before = conduit.calls.length
    await redis.kill()
    await redis.restart('copy')

    await finish(batch)
    expect(onDisk.length).toBeGreaterThanOrEqual(30)
    expect(await paidAgain(onDisk, before)).toEqual([])
    await roles.close(0)
  })

  it('that comes back older in the middle of making files anew: they stay, and are compared with it first', async () => {
    const batch = await testBatch(requests(TOTAL), {}, session)
    const files = await openBatchFiles(batch.manifest, batch.paths.directory, batch.deps)
    const answer = async (index: number) => {
      await batch.record(index, answerTo(batch.place(index)))
      await files.collect()
    }
    await answer(0)
    await redis.copy()
    await answer(1)
    const known = await session.store.marks(batch.id)
    if (known === null) throw new Error('the batch is gone')
    await redis.kill()
    await redis.restart('copy')

    await expect(files.renew(known)).rejects.toMatchObject({ code: 'redis_restarted' })
    await files.close()
    expect(await session.store.marks(batch.id)).toMatchObject({ revision: 0, collected: 1 })
    const again = await openBatchFiles(batch.manifest, batch.paths.directory, batch.deps)
    await again.collect()
    await again.close()
    expect(await linesIn(batch.paths.results)).toBe(2)
    expect(await session.store.marks(batch.id)).toMatchObject({ completed: 2, collected: 2 })
  })

  it('that comes back empty: work tells it of its batches, and what is on disk is not called again', async () => {
    const [batch, cancelled] = [await newBatch(), await newBatch()]
    await registerBatch(session, cancelled.directory, cancelled.manifest)
    const roles = await work(batch)
    await answerUntil(batch, 20)
    const onDisk = (await readOutput(batch.paths.results)).map(({ custom_id }) => custom_id)
    const before = conduit.calls.length
    await redis.kill()
    await redis.restart('nothing')

    await finish(batch)
    expect(await paidAgain(onDisk, before)).toEqual([])
    // That of another directory is its own process's affair.
    expect(await session.store.marks(cancelled.id)).toBeNull()
    await roles.close(0)
  })

  it('is not told again of a batch that was cancelled, and is of one that ran again', async () => {
    const batch = await newBatch()
    await registerBatch(session, batch.directory, batch.manifest)
    const mark = () => hasEnded(batch.paths.directory)
    await session.store.cancel(batch.id, 'by hand')
    const roles = await work(batch)
    await eventually('that is noted on disk', mark)
    await session.redis.flushall()
    expect(await lostOf(batch)).toEqual({ registered: [], elsewhere: [] })
    await registerBatch(session, batch.directory, batch.manifest, batch.manifest.options)
    await eventually('it is not any more', async () => !(await mark()))
    await roles.close(0)
    await session.redis.flushall()
    expect(await lostOf(batch)).toEqual({ registered: [batch.id], elsewhere: [] })
    expect(await lostOf(batch)).toEqual({ registered: [], elsewhere: [] })
    await leaseOn(session, batch.directory).release()
  })

  it('is not told of a batch that it never took, nor of one that another process works on', async () => {
    const batch = await newBatch()
    await session.redis.flushall()
    // As `submit` leaves it when Redis refuses it.
    expect(await lostOf(batch)).toEqual({ registered: [], elsewhere: [] })
    await registerBatch(session, batch.directory, batch.manifest)
    await session.redis.flushall()

    const [other, self] = [processWithPid(process.ppid), currentProcess()]
    if (other === null) throw new Error('the parent of this process is gone')
    const dead = { ...other, startedAt: '1' }
    const leases = [other, self, dead].map((writer) => `${formatProcess(writer)} 1 2`)
    for (const lease of leases) await noteWriter(batch.paths.directory, lease)
    const roles = await work(batch)
    expect(await lostOf(batch)).toEqual({ registered: [], elsewhere: [batch.id] })
    await eventually(
      'that was seen',
      async () => (await session.redis.exists(session.keys.lease(batch.directory.id))) === 1,
    )
    expect(await session.store.marks(batch.id)).toBeNull()
    await dropWriter(batch.paths.directory, leases[0] ?? '')
    await finish(batch)
    await roles.close(0)
  })
})

function reply({ calls }: ScriptedConduit, index: number): void {
  const call = calls[index]
  if (call !== undefined && !call.aborted) call.answer(completion(`answer to: ${call.prompt} .`))
}
