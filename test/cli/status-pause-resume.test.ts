import { userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { expectAnswers, ids, linesIn, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { receiveAlerts, recordCalls } from '../support/receivers.js'

const CONCURRENCY = 10
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]

/** Until no call is out and none can go: the queue is held, and no job of it is in work. */
async function untilNothingRuns(place: Workplace): Promise<void> {
  await eventually('the queue is held and idle', async () => {
    const { stdout } = await place.run(['status', '--json'])
    const [queue] = (JSON.parse(stdout) as { queues: { holds: unknown[]; active: number }[] }).queues
    return queue?.holds.length === 1 && queue.active === 0
  })
}

describe('from another terminal', () => {
  test('pause lets calls in flight finish and no other go, status says who and why; resume lets all go on', async () => {
    const conduit = await recordCalls(() => true)
    const webhook = await receiveAlerts()
    const place = await createWorkplace({
      CONDUIT_API_KEY: 'sk-1',
      CONDUIT_BASE_URL: conduit.baseUrl,
      CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url,
    })
    await place.write('in.jsonl', requests(60))
    const cli = place.start(COMMAND)
    await cli.until('calls are out', () => conduit.held === CONCURRENCY)

    const paused = await place.run(['pause', '--reason', 'the prompt is being mended', '--json'])

    expect(paused).toExitWith(0)
    expect(JSON.parse(paused.stdout)).toEqual({ queue: 'default', held: true, changed: true })
    await cli.until('the run says that it waits', () => cli.stderr.includes('PAUSED: Somebody paused'))
    expect(cli.stderr).toContain('the prompt is being mended')
    conduit.release()
    const partial = place.path('in.results.jsonl.partial')
    await cli.until('what was out is on disk', async () => (await linesIn(partial)) === CONCURRENCY)
    await untilNothingRuns(place)

    const [text, json] = await Promise.all([place.run(['status']), place.run(['status', '--json'])])
    expect(text.stdout).toMatch(/Queue +default, held/)
    expect(text.stdout).toContain('the prompt is being mended')
    expect(text.stdout).toContain('conduit-batch resume')
    expect(JSON.parse(json.stdout)).toMatchObject({
      queues: [
        {
          queue: 'default',
          holds: [{ reason: 'person', message: 'the prompt is being mended', since: expect.any(Number) }],
          active: 0,
          pace: {
            ratePerSecond: expect.any(Number),
            learnedPerMinute: null,
            state: 'open',
            since: null,
            closedUntil: null,
            refusedShare: expect.toBeOneOf([null, 0]),
            inFlight: expect.any(Number),
            leased: expect.any(Number),
            concurrency: expect.any(Number),
          },
        },
      ],
      batches: [{ state: 'running', total: 60, completed: CONCURRENCY, input: 'in.jsonl' }],
    })
    expect(await place.run(['pause'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/already/) })
    expect(conduit.calls).toHaveLength(CONCURRENCY)

    const resumed = await place.run(['resume'])
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringMatching(/Queue default is open/) })
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ completed: 60, pauses: 1 })
    await expectAnswers(place.path('in.results.jsonl'), ids(60))
    expect(conduit.calls).toHaveLength(60)
    expect(webhook.alerts).toEqual([])
  })

  test('a queue that is paused before the run begins makes no call; another queue goes on', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', requests(10))
    expect(await place.run(['pause', 'nightly'])).toExitWith(0)

    const held = await place.run([...COMMAND, '--queue', 'nightly', '--exit-on-pause'])
    expect(held).toExitWith(3)
    expect(summaryOf(held)).toMatchObject({ status: 'paused', completed: 0 })
    expect(held.stderr).toContain('conduit-batch resume nightly')
    expect(simulator.stats().calls).toBe(0)

    expect(await place.run([...COMMAND, '--output', 'other.jsonl'])).toExitWith(0)
    expect(simulator.stats().calls).toBe(10)

    const resumed = await place.run(['resume', 'nightly', '--json'])
    expect(JSON.parse(resumed.stdout)).toEqual({
      queue: 'nightly',
      held: false,
      changed: true,
      probing: true,
      workers: 0,
    })
    expect(await place.run([...COMMAND, '--queue', 'nightly', '--exit-on-pause'])).toExitWith(0)
    expect(simulator.stats().calls).toBe(20)
  })
})

test('an account that is empty again after `resume` is the same incident: one alert, one all-clear', async () => {
  const simulator = await simulate({ balanceCents: 10, costCents: 1 })
  const webhook = await receiveAlerts()
  const place = await createWorkplace({ ...settingsFor(simulator), CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url })
  await place.write('in.jsonl', requests(30))
  const cli = place.start(COMMAND)
  await cli.until('a person is told', () => webhook.alerts.length === 1)
  await untilNothingRuns(place)
  const before = simulator.stats().byStatus['402'] ?? 0

  // Somebody resumes without having topped up: one call goes out, and one only.
  expect(await place.run(['resume'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/One call goes first/),
  })
  await cli.until('the try was refused', () => (simulator.stats().byStatus['402'] ?? 0) > before)
  await untilNothingRuns(place)
  expect(simulator.stats().byStatus['402']).toBe(before + 1)

  simulator.control({ topUpCents: 100 })
  expect(await place.run(['resume'])).toExitWith(0)
  const end = await cli.ended
  expect(end).toExitWith(0)
  expect(summaryOf(end)).toMatchObject({ completed: 30, pauses: 1 })
  expect(webhook.alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])

  const history = await place.run(['incidents', '--json'])
  const [opened] = webhook.alerts
  expect(JSON.parse(history.stdout)).toMatchObject({
    incidents: [
      {
        id: opened?.incident,
        resolvedBy: 'success',
        failedProbes: 1,
        waiting: opened?.waiting,
        holds: [
          { reason: 'credits', liftedBy: 'person', liftedWho: userInfo().username },
          { liftedBy: 'person' },
        ],
      },
    ],
  })
  const told = await place.run(['incidents', '--limit', '1', '--queue', 'default'])
  expect(told).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/OVER +The Conduit account has run out/),
  })
})

describe('where nothing ever ran', () => {
  test.each(['status', 'resume'])(
    '%s says so, says how to begin, and makes no directory',
    async (command) => {
      const place = await createWorkplace({ REDIS_URL: undefined })
      const { code, stdout, stderr } = await place.run([command])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/Nothing has run here yet.*conduit-batch run prompts\.jsonl/)
      expect(stderr).toContain(place.dataDir)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    },
  )

  test('status on a Redis that knows nothing yet shows an open queue and no batch', async () => {
    const place = await createWorkplace()
    expect(await place.run(['status'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Queue +default, open.*There is no batch yet.*conduit-batch run/s),
    })
  })
})

test('status without its Redis ends with a message and exit code 1', async () => {
  const end = await (await createWorkplace({ REDIS_URL: 'redis://127.0.0.1:1' })).run(['status'])
  expect(end).toMatchObject({ code: 1, stdout: '' })
  expect(end.stderr).toMatch(/Redis can't be used at redis:\/\/127\.0\.0\.1:1: nothing listens there/)
  expect(end.stderr).not.toMatch(/^ +at /m)
})
