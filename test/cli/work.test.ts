import { expect, test } from 'vitest'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import {
  type CliProcess,
  createWorkplace,
  QUICK,
  settingsFor,
  simulate,
  type Workplace,
} from '../support/cli.js'
import { type HandedIn, type HandIn, handIn } from '../support/hand-in.js'

/** What was handed in by a command that has left again. */
function handedIn(place: Workplace, given: Pick<HandIn, 'input' | 'options'>): Promise<HandedIn> {
  const { directory, dataDir, settings } = place
  return handIn({ directory, dataDir, keyPrefix: settings.CONDUIT_BATCH_KEY_PREFIX ?? '', ...given })
}

const started = (cli: CliProcess) =>
  cli.until('it is at work', () => cli.stderr.includes('"msg":"worker.started"'))

test('kill -9 of all workers of a batch that was handed in: new workers end it whole', async () => {
  const simulator = await simulate({ latencyMs: { min: 30, max: 90 } })
  const place = await createWorkplace(settingsFor(simulator))
  const batch = await handedIn(place, { input: requests(150), options: { concurrency: 10 } })
  const workers = [place.start(['work']), place.start(['work', '--roles', 'completion'])]
  await workers[0]?.until('a third is answered', () => simulator.stats().completed >= 50)

  for (const worker of workers) await worker.kill()
  expect(await place.run(['work', '--until-idle'])).toExitWith(0)

  expect(await batch.snapshot()).toMatchObject({ state: 'completed', completed: 150, failed: 0, retries: 0 })
  await expectAnswers(batch.results, ids(150))
  expect(simulator.stats().repeatedCompletions).toBeLessThanOrEqual(20)
})

test('a rolling restart of three workers during a batch uses no attempt and repeats no call', async () => {
  const TOTAL = 300
  // So slow that the batch outlives the restarts on any machine.
  const simulator = await simulate({ latencyMs: { min: 1000, max: 1500 } })
  const place = await createWorkplace(settingsFor(simulator))
  const batch = await handedIn(place, { input: requests(TOTAL), options: { concurrency: 4 } })
  // Feeding and collecting needs no key.
  const batches = place.start([], { script: 'workers/batch.js', env: { CONDUIT_API_KEY: undefined } })
  const calling = ['work', '--roles', 'completion']
  const workers = [place.start(calling), place.start(calling), place.start(calling)]
  await Promise.all(workers.map(started))

  for (const worker of workers) {
    await worker.until('all three have calls out', () => simulator.stats().inFlight === 12)
    worker.signal('SIGTERM')
    const next = place.start([], { script: 'workers/completion.js' })
    expect(await worker.ended).toExitWith(0)
    await started(next)
  }
  expect((await batch.snapshot()).state).toBe('running')
  simulator.control({ latencyMs: { min: 20, max: 40 } })
  await batches.until('the batch ends', async () => (await batch.snapshot()).state !== 'running')

  expect(await batch.snapshot()).toMatchObject({
    state: 'completed',
    completed: TOTAL,
    failed: 0,
    retries: 0,
    maybeBilled: 0,
  })
  await expectAnswers(batch.results, ids(TOTAL))
  expect(simulator.stats()).toMatchObject({ calls: TOTAL, repeatedCalls: 0, undelivered: 0 })
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
