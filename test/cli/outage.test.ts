import { expect, test } from 'vitest'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, settingsFor, simulate } from '../support/cli.js'

const TOTAL = 40
const COMMAND = [
  'run',
  'in.jsonl',
  '--json',
  '--max-attempts',
  '2',
  '--backoff-base',
  '0.5',
  '--backoff-cap',
  '0.5',
]

test('an outage turns no request into a dead letter: few calls ask whether it is over, and it is told', async () => {
  const simulator = await simulate({
    faults: [{ fault: 'SERVICE_UNAVAILABLE', probability: 1 }],
  })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(TOTAL))
  const cli = place.start(COMMAND)
  await cli.until('it says so', () => cli.stderr.includes('Conduit does not answer'))
  const callsAtFirst = simulator.stats().calls
  await cli.until('it has asked three times since', () => simulator.stats().calls >= callsAtFirst + 3)
  simulator.control({ faults: [] })

  const end = await cli.ended
  expect(end).toExitWith(0)
  expect(summaryOf(end)).toMatchObject({ completed: TOTAL, failed: 0 })
  await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
  expect(simulator.stats()).toMatchObject({ repeatedCompletions: 0 })
  expect(cli.stderr).toContain('Conduit answers again')
})

test('a few requests that always fail run out of attempts, with nothing else to call', async () => {
  const simulator = await simulate({ faults: [{ fault: 'SERVICE_UNAVAILABLE', probability: 1 }] })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(5))

  const end = await place.run(COMMAND)

  expect(end).toExitWith(2)
  expect(summaryOf(end)).toMatchObject({ completed: 0, failed: 5 })
  expect(simulator.stats().calls).toBe(10)
})
