import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { receiveAlerts } from '../support/receivers.js'

const CONCURRENCY = 5
const OPTIONS = ['--concurrency', String(CONCURRENCY), ...QUICK]

test('a wrong key costs no more calls than were in flight, and one alert; the right key finishes it by itself', async () => {
  const simulator = await simulate({ refusalLatencyMs: { min: 20, max: 80 } })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url,
  })
  await place.write('in.jsonl', requests(60))
  const command = ['run', 'in.jsonl', '--exit-on-pause', '--json', ...OPTIONS]

  const wrong = await place.run(command, { env: { CONDUIT_API_KEY: 'sk-mistyped' } })

  expect(wrong).toExitWith(3)
  expect(summaryOf(wrong)).toMatchObject({ status: 'paused', total: 60, completed: 0, failed: 0, pauses: 1 })
  expect(wrong.stderr).toMatch(/PAUSED: Conduit refused the API key.*API_KEY_INVALID\), request req_/)
  expect(wrong.stderr).not.toContain('sk-mistyped')
  const spent = simulator.stats()
  expect(spent.calls).toBeGreaterThan(0)
  expect(spent.calls).toBeLessThanOrEqual(CONCURRENCY)
  expect(webhook.alerts).toMatchObject([
    { type: 'incident.opened', reason: 'credentials', code: 'API_KEY_INVALID', waiting: 60 },
  ])

  const again = await place.run(command, { env: { CONDUIT_API_KEY: 'sk-mistyped' } })
  expect(again).toExitWith(3)
  expect(simulator.stats().calls).toBe(spent.calls)

  const right = await place.run(command)

  expect(right).toExitWith(0)
  expect(summaryOf(right)).toMatchObject({ status: 'completed', completed: 60, failed: 0, pauses: 1 })
  await expectAnswers(place.path('in.results.jsonl'), ids(60))
  expect(existsSync(place.path('in.errors.jsonl'))).toBe(false)
  expect(simulator.stats()).toMatchObject({ calls: spent.calls + 60, repeatedCompletions: 0 })
  expect(webhook.alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
})

test('a right key that is written into CONDUIT_API_KEY_FILE while `run` waits lets it go on by itself', async () => {
  const simulator = await simulate()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_API_KEY: undefined,
    CONDUIT_API_KEY_FILE: 'key',
  })
  await place.write('in.jsonl', requests(30))
  await place.write('key', 'sk-mistyped\n')
  const cli = place.start(['run', 'in.jsonl', '--json', ...OPTIONS])
  await cli.until('it says why it waits', () => cli.stderr.includes('PAUSED: '))
  expect(cli.stderr).toContain('CONDUIT_API_KEY_FILE')

  await place.write('key', 'sk-simulator\n')

  const end = await cli.ended
  expect(end).toExitWith(0)
  expect(summaryOf(end)).toMatchObject({ completed: 30, pauses: 1 })
  // Counted at the end: while it waits, calls that had begun may still be on their way.
  const { calls, byCode } = simulator.stats()
  const refused = byCode.API_KEY_INVALID ?? 0
  expect(refused).toBeGreaterThan(0)
  expect(refused).toBeLessThanOrEqual(CONCURRENCY)
  expect(calls).toBe(refused + 30)
  expect(simulator.stats()).toMatchObject({ completed: 30, repeatedCompletions: 0 })
})

test('an alert that the webhook does not take at first is tried again, and delivered before `run` exits', async () => {
  const simulator = await simulate({ balanceCents: 0 })
  const webhook = await receiveAlerts(1)
  const place = await createWorkplace({ ...settingsFor(simulator), CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url })
  await place.write('in.jsonl', requests(5))
  expect(await place.run(['run', 'in.jsonl', '--exit-on-pause', ...OPTIONS])).toExitWith(3)
  expect(webhook.refused).toHaveLength(1)
  expect(webhook.alerts).toEqual(webhook.refused)
})
