import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { expectAnswers, ids, idsOf, readOutput, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { recordCalls } from '../support/receivers.js'

const TOTAL = 100
const CONCURRENCY = 20
/** Of the calls, before those that hang. */
const ANSWERED = 30
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]
/** Far less than the deadline that calls in flight get after the first Ctrl-C. */
const AT_ONCE_MS = 3000

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s halfway lets the calls in flight finish, loses nothing, and the same command completes it',
  async (signal) => {
    const conduit = await recordCalls((_, number) => number > ANSWERED)
    const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', requests(TOTAL))
    const cli = place.start(COMMAND)
    await cli.until('some are answered, and calls are out', () => conduit.held === CONCURRENCY)

    cli.signal(signal)
    await cli.until('it waits for them', () =>
      cli.stderr.includes(`STOPPING: Finishing ${CONCURRENCY} calls`),
    )
    conduit.release()
    const end = await cli.ended

    expect(end).toExitWith(130)
    const completed = ANSWERED + CONCURRENCY
    expect(summaryOf(end)).toMatchObject({ status: 'interrupted', total: TOTAL, completed, failed: 0 })
    expect(conduit.calls).toHaveLength(completed)
    expect(await readOutput(place.path('in.results.jsonl.partial'))).toHaveLength(completed)
    expect(existsSync(place.path('in.results.jsonl'))).toBe(false)
    expect(end.stderr).toContain('The same command goes on from here')

    const again = await place.run(COMMAND)

    expect(again).toExitWith(0)
    expect(summaryOf(again)).toMatchObject({ batch: summaryOf(end).batch, completed: TOTAL })
    await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
    expect(conduit.calls).toHaveLength(TOTAL)
  },
)

test('a second Ctrl-C leaves at once, though calls hang; the same command completes it', async () => {
  const simulator = await simulate({ faults: [{ fault: 'HANG', probability: 1 }] })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(CONCURRENCY))
  const cli = place.start(COMMAND)
  await cli.until('all calls hang', () => simulator.stats().inFlight === CONCURRENCY)
  cli.signal('SIGINT')
  await cli.until('it waits for them', () => /STOPPING: Finishing \d+ calls/.test(cli.stderr))
  expect(cli.running).toBe(true)

  const secondAt = Date.now()
  cli.signal('SIGINT')
  const end = await cli.ended

  expect(Date.now() - secondAt).toBeLessThan(AT_ONCE_MS)
  expect(end).toExitWith(130)

  simulator.control({ faults: [] })
  const again = await place.run(COMMAND)
  expect(again).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(CONCURRENCY))
  expect(simulator.stats()).toMatchObject({ calls: 2 * CONCURRENCY, repeatedCompletions: 0 })
})

test('Ctrl-C while the queue is paused ends at once, and the same command waits on', async () => {
  const simulator = await simulate({ balanceCents: 20, costCents: 1 })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(40))
  const cli = place.start(COMMAND)
  await cli.until('the account is empty', () => cli.stderr.includes('PAUSED: '))
  cli.signal('SIGINT')
  const end = await cli.ended
  expect(end).toExitWith(130)
  expect(summaryOf(end)).toMatchObject({ status: 'interrupted', completed: 20, pauses: 1 })

  const again = place.start(COMMAND)
  await again.until('it still says why it waits', () => again.stderr.includes('PAUSED: '))
  const { calls } = simulator.stats()
  simulator.control({ topUpCents: 100 })
  expect(await place.run(['resume'])).toExitWith(0)
  expect(await again.ended).toExitWith(0)
  expect(idsOf(await readOutput(place.path('in.results.jsonl')))).toEqual(ids(40).sort())
  expect(simulator.stats()).toMatchObject({ calls: calls + 20, repeatedCompletions: 0 })
})
