import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  expectAnswers,
  ids,
  idsOf,
  jsonLines,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import {
  type CliProcess,
  createWorkplace,
  QUICK,
  settingsFor,
  simulate,
  type Workplace,
} from '../support/cli.js'
import { type RecordingConduit, recordCalls } from '../support/receivers.js'

const CONCURRENCY = 10
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]
const TOTAL = 60
const LONG_LINES = 300

describe('two of the same command at once', () => {
  let conduit: RecordingConduit
  let place: Workplace
  let first: CliProcess
  let second: CliProcess

  /** The first has calls out, which are answered once the second shows the progress too. */
  beforeEach(async () => {
    conduit = await recordCalls(() => true)
    place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', requests(TOTAL))
    first = place.start(COMMAND)
    await first.until('it has calls out', () => conduit.held === CONCURRENCY)
    second = place.start(COMMAND)
    await second.until('it shows the progress', () => /^0 of 60 .* 10 in flight/m.test(second.stderr))
  })

  test('make one set of calls, show the same progress, and both say how it ended', async () => {
    conduit.release()
    const ends = await Promise.all([first.ended, second.ended])

    expect(ends).toMatchObject([{ code: 0 }, { code: 0 }])
    const [one, other] = ends.map(summaryOf)
    expect({ ...other, durationMs: 0 }).toEqual({ ...one, durationMs: 0 })
    await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
    expect(conduit.calls).toHaveLength(TOTAL)
    expect(conduit.mostInFlight).toBeLessThanOrEqual(CONCURRENCY)
  })

  test('survive a kill -9 of the first: the second takes over and finishes', async () => {
    await first.kill()
    conduit.release()
    const end = await second.ended

    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ completed: TOTAL, failed: 0 })
    await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
    expect(conduit.calls).toHaveLength(TOTAL + CONCURRENCY)
  })

  test('part without harm: Ctrl-C in the second leaves the work alone', async () => {
    second.signal('SIGINT')
    const left = await second.ended
    expect(left).toExitWith(130)
    expect(summaryOf(left)).toMatchObject({ status: 'interrupted', completed: 0 })

    conduit.release()
    expect(await first.ended).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
    expect(conduit.calls).toHaveLength(TOTAL)
  })
})

test('two of the same command, started at the same moment, are one batch', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(20))
  const ends = await Promise.all([place.run(COMMAND), place.run(COMMAND)])
  expect(ends).toMatchObject([{ code: 0 }, { code: 0 }])
  expect(new Set(ends.map((end) => summaryOf(end).batch)).size).toBe(1)
  await expectAnswers(place.path('in.results.jsonl'), ids(20))
  expect(simulator.stats()).toMatchObject({ calls: 20, repeatedCompletions: 0 })
})

describe('after a finished run', () => {
  test('the same command calls nothing, and writes output again that was deleted; --fresh starts over', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', `${jsonLines([request('hot', '', { temperature: 9 })])}${requests(10)}`)
    const first = await place.run(COMMAND)
    expect(first).toExitWith(2)
    const calls = 11
    expect(simulator.stats().calls).toBe(calls)

    const again = await place.run(COMMAND)
    expect(again).toExitWith(2)
    expect({ ...summaryOf(again), durationMs: 0 }).toEqual({ ...summaryOf(first), durationMs: 0 })

    await rm(place.path('in.results.jsonl'))
    await rm(place.path('in.errors.jsonl'))
    expect(await place.run(COMMAND)).toExitWith(2)
    await expectAnswers(place.path('in.results.jsonl'), ids(10))
    expect(idsOf(await readOutput(place.path('in.errors.jsonl')))).toEqual(['hot'])
    expect(simulator.stats().calls).toBe(calls)

    const fresh = await place.run([...COMMAND, '--fresh'])
    expect(fresh).toExitWith(2)
    expect(summaryOf(fresh).batch).not.toBe(summaryOf(first).batch)
    expect(simulator.stats().calls).toBe(2 * calls)
    await expectAnswers(place.path('in.results.jsonl'), ids(10))
  })

  test('another input with nothing in common is refused for the same output; finished answers stay', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', requests(5))
    expect(await place.run(COMMAND)).toExitWith(0)
    await place.write('other.jsonl', jsonLines([request('q')]))
    const other = ['run', 'other.jsonl', '--output', 'in.results.jsonl']

    const refused = await place.run(other)

    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/in\.results\.jsonl is there already, from batch b\w+ \(in\.jsonl\)/)
    expect(refused.stderr).toMatch(/--output.*--fresh/)
    await expectAnswers(place.path('in.results.jsonl'), ids(5))
    expect(simulator.stats().calls).toBe(5)

    expect(await place.run([...other, '--fresh'])).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ['q'])
  })

  test('--fresh in the middle of a run leaves no trace of the old one in the files', async () => {
    const conduit = await recordCalls((_, number) => number > 10)
    const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', `${requests(60)}not JSON\n`)
    const cli = place.start(COMMAND)
    await cli.until('it is under way', () => conduit.held === CONCURRENCY)
    cli.signal('SIGINT')
    await cli.until('it waits for the calls in flight', () => cli.stderr.includes('STOPPING: '))
    conduit.release()
    const interrupted = await cli.ended
    expect(interrupted).toExitWith(130)

    const fresh = await place.run([...COMMAND, '--fresh'])

    expect(fresh).toExitWith(2)
    expect(summaryOf(fresh)).toMatchObject({ total: 61, completed: 60, failed: 1 })
    const answers = await expectAnswers(place.path('in.results.jsonl'), ids(60))
    expect(answers.filter(({ id }) => id.includes(summaryOf(interrupted).batch))).toEqual([])
    expect(await readOutput(place.path('in.errors.jsonl'))).toHaveLength(1)
    expect(existsSync(place.path('in.results.jsonl.partial'))).toBe(false)
  })
})

test('an input that is edited while it runs stops the batch and says so; put back, it goes on where it was', async () => {
  const conduit = await recordCalls(() => true)
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
  // Long lines make short chunks, so that not all of it is read at once.
  const original = jsonLines(ids(LONG_LINES).map((id) => request(id, 'x'.repeat(30_000))))
  await place.write('in.jsonl', original)
  const cli = place.start(COMMAND)
  await cli.until('it has calls out', () => conduit.held === CONCURRENCY)
  const input = await place.write('in.jsonl', original.replaceAll('say p-', 'say q-'))
  conduit.release()

  const end = await cli.ended

  expect(end).toExitWith(1)
  const completed = conduit.calls.length
  expect(completed).toBeLessThan(LONG_LINES)
  expect(summaryOf(end)).toMatchObject({ status: 'stopped', total: LONG_LINES, completed })
  expect(end.stderr).toContain(input)
  expect(end.stderr).toMatch(/changed/)
  const partial = await readOutput(place.path('in.results.jsonl.partial'))
  await expectAnswers(place.path('in.results.jsonl.partial'), idsOf(partial))
  expect(partial).toHaveLength(completed)

  await place.write('in.jsonl', original)
  expect(await place.run(COMMAND)).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(LONG_LINES))
  expect(conduit.calls).toHaveLength(LONG_LINES)
})
