import { expect, test } from 'vitest'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import {
  type CliProcess,
  createWorkplace,
  privateServerOf,
  QUICK,
  settingsFor,
  simulate,
  type Workplace,
} from '../support/cli.js'
import { completion, scriptConduit } from '../support/conduit.js'

/** Hands in a file of requests by a command that leaves again; gives the id of its batch. */
async function submit(place: Workplace, count: number, concurrency: number): Promise<string> {
  await place.write('in.jsonl', requests(count))
  const end = await place.run(['submit', 'in.jsonl', '--concurrency', String(concurrency), ...QUICK])
  expect(end).toExitWith(0)
  return end.stdout.trim()
}

const started = (cli: CliProcess) =>
  cli.until('it is at work', () => cli.stderr.includes('"msg":"worker.started"'))

test('submit, kill -9 of all workers, new workers: the batch ends whole, on a Redis of its own', async () => {
  const simulator = await simulate({ latencyMs: { min: 30, max: 90 } })
  const place = await createWorkplace({ ...settingsFor(simulator), REDIS_URL: undefined })
  await submit(place, 150, 10)
  expect(await privateServerOf(place)).toBeNull()
  const workers = [place.start(['work']), place.start(['work', '--roles', 'completion'])]
  await workers[0]?.until('a third is answered', () => simulator.stats().completed >= 50)

  for (const worker of workers) await worker.kill()
  expect(await place.run(['work', '--until-idle'])).toExitWith(0)

  await expectAnswers(place.path('in.results.jsonl'), ids(150))
  expect(simulator.stats().repeatedCompletions).toBeLessThanOrEqual(2 * 10)
  expect(await privateServerOf(place)).toBeNull()
})

test('a rolling restart of three workers during a batch uses no attempt and repeats no call', async () => {
  const TOTAL = 100
  let atOnce = false
  const answerTo = (prompt: string) => completion(`an answer to: ${prompt}`)
  const conduit = await scriptConduit((prompt) => (atOnce ? answerTo(prompt) : null))
  let answered = 0
  const answerAll = () => {
    for (const call of conduit.calls.slice(answered)) call.answer(answerTo(call.prompt))
    answered = conduit.calls.length
  }
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
  const id = await submit(place, TOTAL, 4)
  const session = await testSession(place.settings.CONDUIT_BATCH_KEY_PREFIX)
  const batch = () => readBatchSnapshot(session, id)
  // Feeding and collecting needs no key.
  const batches = place.start([], { script: 'workers/batch.js', env: { CONDUIT_API_KEY: undefined } })
  const calling = ['work', '--roles', 'completion']
  const workers = [place.start(calling), place.start(calling), place.start(calling)]
  await Promise.all(workers.map(started))

  for (const worker of workers) {
    await worker.until('all three have calls out', () => conduit.calls.length - answered === 12)
    worker.signal('SIGTERM')
    await worker.until('it stops', () => worker.stderr.includes('"msg":"worker.stopping"'))
    const next = place.start([], { script: 'workers/completion.js' })
    answerAll()
    expect(await worker.ended).toExitWith(0)
    await started(next)
  }
  expect((await batch())?.state).toBe('running')
  atOnce = true
  answerAll()
  await batches.until('the batch ends', async () => (await batch())?.state !== 'running')

  expect(await batch()).toMatchObject({
    state: 'completed',
    completed: TOTAL,
    failed: 0,
    retries: 0,
    maybeBilled: 0,
  })
  await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
  expect(conduit.calls).toHaveLength(TOTAL)
  batches.signal('SIGTERM')
  const end = await batches.ended
  expect(end).toExitWith(0)
  const events = end.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(events.find(({ msg }) => msg === 'worker.started')).toMatchObject({
    roles: ['batch'],
    queues: ['default'],
    pid: expect.any(Number),
  })
  expect(events.at(-1)).toMatchObject({ msg: 'worker.stopped', how: 'in_order' })
})

test('run makes the calls itself when the process that holds its directory does not', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(20))
  const batches = place.start(['work', '--roles', 'batch'])
  await started(batches)

  const end = await place.run(['run', 'in.jsonl', '--json', ...QUICK])

  expect(end).toExitWith(0)
  expect(summaryOf(end)).toMatchObject({ total: 20, completed: 20 })
  await expectAnswers(place.path('in.results.jsonl'), ids(20))
  expect(batches.running).toBe(true)
})

test('work without a key says so, and starts nothing', async () => {
  const place = await createWorkplace()
  const end = await place.run(['work'])
  expect(end).toExitWith(1)
  expect(end.stderr).toMatch(/^conduit-batch: There is no Conduit API key/)
})
