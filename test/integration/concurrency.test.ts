import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { createKeyHolder } from '../../src/completions/key-holder.js'
import { countJobs } from '../../src/completions/queues.js'
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js'
import { type CompletionRole, startCompletionRole } from '../../workers/completion-role.js'
import { requests } from '../support/batch-files.js'
import { silent, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker } from '../support/completion-worker.js'
import { scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'

let session: Session
let simulator: Simulator | null = null
let role: CompletionRole | null = null
beforeEach(async () => {
  session = await testSession()
})
afterEach(async () => {
  await role?.finish(0)
  await role?.leave()
  await simulator?.close()
  role = null
  simulator = null
})

const counts = () => countJobs(session.completions)

async function fed(count: number): Promise<void> {
  await feedAll(await testBatch(requests(count), { concurrency: 1000 }, session))
}

async function start(latencyMs: number, requestsPerMinute: number | null): Promise<CompletionRole> {
  simulator = await startSimulator({ latencyMs: { min: latencyMs, max: latencyMs } })
  await session.redis.hset(session.keys.pace, 'rate', 1000)
  const keyHolder = await createKeyHolder({ apiKey: 'sk-simulator', apiKeyFile: null })
  const options = {
    keyHolder,
    baseUrl: simulator.baseUrl,
    billingUrl: simulator.billingUrl,
    concurrency: { wanted: null, ceiling: null },
    requestsPerMinute,
  }
  role = await startCompletionRole(session, options, silent, () => undefined)
  return role
}

it('a worker whose slots are all busy fetches more at once when they become more, and none when they become fewer', async () => {
  const conduit = await scriptConduit()
  await fed(12)
  const worker = await startTestWorker(session, { baseUrl: conduit.baseUrl, concurrency: 2 })
  await eventually('both slots are busy', () => conduit.calls.length === 2)
  worker.setConcurrency(10)
  await eventually('ten calls are out, and none has ended', () => conduit.calls.length === 10)
  worker.setConcurrency(4)
  for (const call of conduit.calls.slice(0, 6)) call.answer()
  await eventually('four are left', async () => (await counts()).active === 4)
  expect(conduit.calls).toHaveLength(10)
  worker.setConcurrency(6)
  await eventually('the last two are out', () => conduit.calls.length === 12)
  expect(await counts()).toMatchObject({ active: 6, waiting: 0 })
})

it('grows while more in flight bring more answers: beyond its start within a few answers', async () => {
  await fed(1200)
  const { concurrency } = await start(1000, null)
  expect(concurrency).toBe(50)
  await eventually('200 are in flight', () => (simulator?.stats().inFlight ?? 0) >= 200)
  expect(role?.concurrency).toBeGreaterThanOrEqual(200)
  expect(role?.inFlight).toBeGreaterThan(100)
})

it('is no more than the pace needs: the other jobs wait in Redis', async () => {
  await fed(400)
  await start(100, 6000)
  await eventually('what was fetched at the start has had its turn', async () => {
    const { active, waiting } = await counts()
    return waiting < 350 && active <= 40 && (role?.concurrency ?? 0) <= 40
  })
  expect((await counts()).waiting).toBeGreaterThan(100)
  expect(simulator?.stats().inFlight).toBeLessThanOrEqual(20)
})
