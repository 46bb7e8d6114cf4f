import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import type { Priority } from '../../src/completions/priority.js'
import { type BatchWorker, startBatchWorker } from '../../workers/batch-worker.js'
import { createFeedBudget } from '../../workers/feed-budget.js'
import { jsonLines, request, requests } from '../support/batch-files.js'
import { silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker } from '../support/completion-worker.js'
import { completion, type ScriptedConduit, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { handIn } from '../support/hand-in.js'
import { fixedPace, setPace } from '../support/pace.js'
import { uniquePrefix } from '../support/redis.js'
import { temporaryDirectory } from '../support/roles.js'

let keyPrefix: string
let session: Session
let conduit: ScriptedConduit
let batches: BatchWorker | null = null
beforeEach(async () => {
  keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
})
afterEach(async () => {
  await batches?.close()
  batches = null
})

async function answerAll(): Promise<void> {
  conduit = await scriptConduit(() => completion())
}

/** Feeds what is in the data directory of a batch. */
function startBatches(batch: TestBatch): void {
  batches = startBatchWorker({
    lease: batch.lease,
    store: session.store,
    work: batch.deps,
    budget: createFeedBudget(session),
    log: silent,
    onTrouble: () => undefined,
  })
}

const prompts = (name: string, count: number, text = '') =>
  jsonLines(Array.from({ length: count }, (_, i) => request(`${name}-${i}`, text)))
const callsOf = (name: string, from: number, to: number) =>
  conduit.calls.slice(from, to).filter(({ prompt }) => prompt.startsWith(`say ${name}-`)).length
const fedOf = async (id: string) => (await session.store.marks(id))?.fed ?? 0

it.each([5, 30])(
  'a batch behind a large one gets its first permit within two of the queue, with %i jobs in the process',
  async (concurrency) => {
    await answerAll()
    await setPace(session, { ...fixedPace(12), notBefore: 0 })
    await feedAll(await testBatch(requests(1000), {}, session))
    await startTestWorker(session, { baseUrl: conduit.baseUrl, concurrency })
    await eventually('calls are made', () => conduit.calls.length > concurrency + 5)
    await feedAll(await testBatch(prompts('small', 10), {}, session))
    const before = conduit.calls.length
    await eventually('it was called', () => callsOf('small', before, before + 1000) > 0)
    const calls = conduit.calls.slice(before).map(({ prompt }) => prompt)
    expect(calls.findIndex((prompt) => prompt.startsWith('say small-'))).toBeLessThan(2)
  },
)

/** Batches of one data directory, by name. */
async function handInAll(input: Record<string, { priority?: Priority; input: string }>): Promise<TestBatch> {
  const anyone = await testBatch(requests(1), {}, session)
  await session.store.end(anyone.id, 'replaced', '')
  const dataDir = anyone.directory.path
  for (const [name, { priority = 'normal', input: lines }] of Object.entries(input)) {
    const options = { priority }
    const directory = await temporaryDirectory()
    const { id } = await handIn({ directory, dataDir, keyPrefix, name, input: lines, options })
    named.set(name, id)
  }
  return anyone
}
const named = new Map<string, string>()
const idOf = (name: string) => named.get(name) ?? ''

it('batches share the calls by their priority', async () => {
  await answerAll()
  await setPace(session, fixedPace(400))
  const anyone = await handInAll({
    high: { priority: 'high', input: prompts('high', 600) },
    normal: { input: prompts('normal', 500) },
    low: { priority: 'low', input: prompts('low', 400) },
  })
  startBatches(anyone)
  await eventually('all are fed', async () => {
    const fed = await Promise.all(['high', 'normal', 'low'].map((name) => fedOf(idOf(name))))
    return Math.min(...fed) >= 100
  })
  await startTestWorker(session, { baseUrl: conduit.baseUrl })
  await eventually('hundreds are called', () => conduit.calls.length >= 460)
  const shares = ['high', 'normal', 'low'].map((name) => callsOf(name, 0, 448))
  const off = shares.map((calls, i) => Math.abs(calls - ([256, 128, 64][i] ?? 0)))
  expect(Math.max(...off)).toBeLessThanOrEqual(24)
})

it('what is fed and not collected has an end in bytes, and a small batch gets in all the same', async () => {
  const MIB = 1024 * 1024
  const anyone = await handInAll({ large: { input: prompts('large', 22, 'x'.repeat(2 * MIB)) } })
  startBatches(anyone)
  await eventually('32 MiB are fed', async () => (await fedOf(idOf('large'))) >= 16)
  await handIn({
    directory: await temporaryDirectory(),
    dataDir: anyone.directory.path,
    keyPrefix,
    name: 'small',
    input: prompts('small', 10),
  }).then(({ id }) => named.set('small', id))
  await eventually('the small one is fed', async () => (await fedOf(idOf('small'))) === 10)
  expect(await fedOf(idOf('large'))).toBe(16)
})
