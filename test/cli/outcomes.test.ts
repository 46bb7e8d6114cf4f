import { expect, test } from 'vitest'
import { promptKey } from '../../src/simulator/chat-body.js'
import {
  expectAnswers,
  ids,
  idsOf,
  jsonLines,
  promptOf,
  readOutput,
  request,
  summaryOf,
} from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { receiveAlerts } from '../support/receivers.js'

const VALID = ids(980)
const UNKNOWN_MODEL = ids(10, 2001)
const TOO_HOT = ids(10, 3001)
const INVALID = [...UNKNOWN_MODEL, ...TOO_HOT]
const CONCURRENCY = 50
/** No more than are in flight by then, so that the pace is cut once or twice and the test stays short. */
const BURST = 15
const SERVER_ERRORS = [
  { fault: 'INTERNAL_SERVER_ERROR', probability: 0.06 },
  { fault: 'SERVICE_UNAVAILABLE', probability: 0.04 },
] as const
/** The account is empty after so many answers. */
const FUNDED = 500

/** 1,000 requests; every fiftieth is one that Conduit will never answer. */
function thousand(): string {
  const all = VALID.map((id) => request(id))
  for (const [i, id] of UNKNOWN_MODEL.entries()) all.splice(i * 100, 0, request(id, '', { model: 'no-such' }))
  for (const [i, id] of TOO_HOT.entries()) all.splice(i * 100 + 50, 0, request(id, '', { temperature: 9 }))
  return jsonLines(all)
}

test('1,000 requests through 5xx, a burst of 429s, invalid ones and an empty account: 980 answers, 20 dead, no other', async () => {
  const simulator = await simulate({
    latencyMs: { min: 100, max: 300 },
    balanceCents: FUNDED,
    costCents: 1,
    faults: [...SERVER_ERRORS],
  })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url,
  })
  await place.write('in.jsonl', thousand())
  const options = ['--concurrency', String(CONCURRENCY), ...QUICK]
  const cli = place.start(['run', 'in.jsonl', '--json', ...options])

  await cli.until('it is under way', () => simulator.stats().completed > 100)
  const burst = { fault: 'RATE_LIMIT_EXCEEDED', probability: 1, count: BURST, retryAfterSeconds: 1 } as const
  simulator.control({ faults: [burst, ...SERVER_ERRORS] })
  await cli.until('a person is told', () => webhook.alerts.length > 0)
  await cli.until('the terminal says why it waits', () => cli.stderr.includes('PAUSED: '))
  const paused = simulator.stats()
  expect(paused.completed).toBe(FUNDED)
  simulator.control({ topUpCents: 1000 })
  expect(await place.run(['resume'])).toExitWith(0)
  const end = await cli.ended

  // Each request ended once: 980 answers, 20 dead letters.
  expect(end).toExitWith(2)
  await expectAnswers(place.path('in.results.jsonl'), VALID)
  const errors = await readOutput(place.path('in.errors.jsonl'))
  expect(idsOf(errors)).toEqual([...INVALID].sort())
  const codes = errors.map(({ custom_id, response }) => [custom_id, response?.body.error?.code])
  const codeOf = (id: string) => (UNKNOWN_MODEL.includes(id) ? 'CHAT_MODEL_NOT_FOUND' : 'VALIDATION_ERROR')
  expect(Object.fromEntries(codes)).toEqual(Object.fromEntries(INVALID.map((id) => [id, codeOf(id)])))

  // What Conduit saw: nothing paid twice, nothing invalid called twice, nothing new sent to an empty account.
  const stats = simulator.stats()
  expect(stats).toMatchObject({ completed: 980, promptsCompletedMoreThanOnce: 0, callsAfterCompletion: 0 })
  const calls = new Map(simulator.calls().map((prompt) => [prompt.key, prompt.calls]))
  const callsOf = (id: string) => calls.get(promptKey([{ role: 'user', content: promptOf(id) }]))
  expect(INVALID.filter((id) => callsOf(id) !== 1)).toEqual([])
  expect(stats.byStatus['402']).toBeLessThanOrEqual(CONCURRENCY)
  expect(stats.callsAfterFirst402).toBeLessThanOrEqual(CONCURRENCY)
  expect(stats.byFault).toMatchObject({ RATE_LIMIT_EXCEEDED: BURST })
  const failed5xx = (stats.byFault.INTERNAL_SERVER_ERROR ?? 0) + (stats.byFault.SERVICE_UNAVAILABLE ?? 0)
  expect(failed5xx).toBeGreaterThan(50)
  expect(summaryOf(end)).toMatchObject({
    status: 'completed',
    total: 1000,
    completed: 980,
    failed: 20,
    retries: failed5xx,
    throttled: BURST,
    pauses: 1,
  })

  // One alert, one all-clear.
  expect(webhook.alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
  const [opened, resolved] = webhook.alerts
  expect(opened).toMatchObject({
    queue: 'default',
    reason: 'credits',
    code: 'BILLING_INSUFFICIENT_FUNDS',
    message: expect.stringMatching(/./),
    requestId: expect.stringMatching(/^req_/),
    since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    waiting: expect.any(Number),
    action: expect.stringMatching(/Top up.*conduit-batch resume/),
  })
  expect(opened?.waiting).toBeGreaterThanOrEqual(480)
  expect(resolved).toMatchObject({ incident: opened?.incident, reason: 'credits' })
  expect(end.stderr).toMatch(/PAUSED: .*run out of credits.*\[.*request req_.*conduit-batch resume/)
})
