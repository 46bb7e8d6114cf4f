import { expect, test } from 'vitest'
import { readBatchSnapshot } from '../../src/batches/read-snapshot.js'
import { expectAnswers, ids, requests } from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { receiveAlerts } from '../support/receivers.js'

/** From the top-up to the first answer. */
const SOON_MS = 3000

async function submit(place: Workplace, count: number): Promise<string> {
  await place.write('in.jsonl', requests(count))
  const end = await place.run(['submit', 'in.jsonl', ...QUICK])
  expect(end).toExitWith(0)
  return end.stdout.trim()
}

test('four processes with 100 calls out each: the account runs empty, topping up is enough, and nobody types a line', async () => {
  const [TOTAL, PROCESSES, EACH] = [800, 4, 100]
  const simulator = await simulate({
    balanceCents: 100_000,
    // So slow that all calls are out at once, also on a busy machine.
    latencyMs: { min: 4000, max: 4500 },
    refusalLatencyMs: { min: 300, max: 500 },
  })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url,
    CONDUIT_BATCH_BALANCE_POLL_SECONDS: '1',
  })
  const session = await testSession(place.settings.CONDUIT_BATCH_KEY_PREFIX)
  // Full speed from the start, so that the account runs empty with as many calls out as may be.
  await session.redis.hset(session.keys.pace, 'rate', 400)
  const workers = Array.from({ length: PROCESSES }, () =>
    place.start(['work', '--concurrency', String(EACH)]),
  )
  // Not before all are at work, or the first would have answered half of them alone.
  for (const worker of workers)
    await worker.until('it is at work', () => worker.stderr.includes('"msg":"worker.started"'))
  const id = await submit(place, TOTAL)
  const batch = () => readBatchSnapshot(session, id)
  const nothingIsOut = async () =>
    (await session.completions.isPaused()) && (await session.completions.getActiveCount()) === 0

  const nearlyAll = 0.95 * PROCESSES * EACH
  await eventually('nearly all that may be are out', () => simulator.stats().inFlight >= nearlyAll)
  simulator.control({ balanceCents: 50 })
  await eventually('the account is empty', () => simulator.stats().byStatus['402'] !== undefined)
  await eventually('the queue is held and no call is out', nothingIsOut)
  await eventually('a person is told', () => webhook.alerts.length > 0)
  const held = simulator.stats()
  expect(held.balanceCents).toBe(0)
  // Who is in flight then has arrived: these are the leased ones. And there was something left to call.
  expect(held.callsAfterFirst402).toBeLessThanOrEqual(EACH)
  expect(held.calls).toBeLessThan(TOTAL)
  expect(held.byStatus['402']).toBeLessThanOrEqual(PROCESSES * EACH)
  await eventually('it was asked again', () => simulator.stats().otherRequests.ledger >= 2)
  expect(simulator.stats().calls).toBe(held.calls)

  const toppedUpAt = performance.now()
  simulator.control({ topUpCents: 10_000, latencyMs: { min: 200, max: 400 } })
  await eventually('answers come again', () => simulator.stats().completed > held.completed)
  const tookMs = performance.now() - toppedUpAt
  await eventually('the batch ends', async () => (await batch())?.state === 'completed')
  await eventually('the all-clear', () => webhook.alerts.length > 1)
  for (const worker of workers) worker.signal('SIGTERM')
  await Promise.all(workers.map(({ ended }) => ended))

  expect(tookMs).toBeLessThan(SOON_MS)
  expect(await batch()).toMatchObject({ completed: TOTAL, failed: 0, retries: 0 })
  await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
  expect(simulator.stats()).toMatchObject({ completed: TOTAL, repeatedCompletions: 0 })
  expect(webhook.alerts.map(({ type, endedBy }) => [type, endedBy])).toEqual([
    ['incident.opened', null],
    ['incident.resolved', 'credits_seen'],
  ])
})

test('a top-up of less than the next call costs: one call is tried, the same incident goes on, nobody is told again', async () => {
  const simulator = await simulate({ balanceCents: 53, costCents: 10 })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({ ...settingsFor(simulator), CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url })
  await place.write('in.jsonl', requests(12))
  const cli = place.start(['run', 'in.jsonl', '--balance-poll', '1', '--concurrency', '4', ...QUICK])
  const refused = () => simulator.stats().byStatus['402'] ?? 0
  const looks = () => simulator.stats().otherRequests.ledger
  const twoMoreLooks = async () => {
    const before = looks()
    await cli.until('two more looks', () => looks() >= before + 2)
  }
  await cli.until('a person is told', () => webhook.alerts.length === 1)

  // Three cents are left over: they are no top-up.
  await twoMoreLooks()
  const before = refused()
  simulator.control({ topUpCents: 2 })
  await cli.until('one call is tried', () => refused() === before + 1)
  await twoMoreLooks()
  expect(refused()).toBe(before + 1)
  expect(webhook.alerts).toHaveLength(1)

  simulator.control({ topUpCents: 500 })
  expect(await cli.ended).toExitWith(0)
  expect(simulator.stats()).toMatchObject({ completed: 12, repeatedCompletions: 0 })
  expect(webhook.alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
})

test('--no-auto-resume leaves it to people, and says so: a top-up alone does nothing', async () => {
  const simulator = await simulate({ balanceCents: 5, costCents: 1 })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({ ...settingsFor(simulator), CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url })
  await place.write('in.jsonl', requests(12))
  const cli = place.start(['run', 'in.jsonl', '--no-auto-resume', '--balance-poll', '1', ...QUICK])
  await cli.until('a person is told', () => webhook.alerts.length === 1)
  simulator.control({ topUpCents: 500 })
  const status = await place.run(['status'])
  expect(status.stdout).toMatch(/No worker notices that by itself now, so then type: .*resume/)
  expect(cli.stderr).not.toMatch(/goes on by itself/)
  expect(webhook.alerts[0]?.action).toMatch(/No worker notices that by itself now/)
  expect(simulator.stats().otherRequests.ledger).toBe(0)

  expect(await place.run(['resume'])).toExitWith(0)
  expect(await cli.ended).toExitWith(0)
  expect(webhook.alerts.map(({ endedBy }) => endedBy)).toEqual([null, 'person'])
})

test('a run that has left at the pause goes on when it is started again after topping up', async () => {
  const simulator = await simulate({ balanceCents: 5, costCents: 1 })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(12))
  const command = ['run', 'in.jsonl', '--exit-on-pause', '--concurrency', '4', ...QUICK]
  expect(await place.run(command)).toExitWith(3)
  simulator.control({ topUpCents: 500 })
  expect(await place.run(command)).toExitWith(0)
  expect(simulator.stats()).toMatchObject({ completed: 12, repeatedCompletions: 0 })
})
