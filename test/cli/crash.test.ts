import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../src/simulator/random.js'
import {
  expectAnswers,
  ids,
  idsOf,
  jsonLines,
  linesIn,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { recordCalls } from '../support/receivers.js'

const CONCURRENCY = 10
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]
/** More of them are in the chaos suite. */
const KILLS = 3
const MOST_CALLS_BETWEEN = 50

/** Of the moments at which it is killed. */
const SEED = 20_261
const RESULTS = ['in.results.jsonl.partial', 'in.results.jsonl']
const BAD = ids(10, 901)

describe(`kill -9 at ${KILLS} random moments (seed ${SEED})`, () => {
  test('leaves each request once in the files, and repeats at most the calls in flight', async () => {
    const random = createRandom(SEED)
    const simulator = await simulate({
      latencyMs: { min: 30, max: 120 },
      faults: [{ fault: 'INTERNAL_SERVER_ERROR', probability: 0.1 }],
    })
    const place = await createWorkplace(settingsFor(simulator))
    const valid = ids(190)
    const bad = BAD.map((id) => request(id, '', { temperature: 9 }))
    await place.write('in.jsonl', jsonLines([...bad, ...valid.map((id) => request(id))]))

    const moments: string[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const calls = simulator.stats().calls + Math.floor(random() * MOST_CALLS_BETWEEN)
      const cli = place.start(COMMAND)
      await cli.until(`${calls} calls were made`, () => simulator.stats().calls >= calls)
      await cli.kill()
      moments.push(`after ${simulator.stats().calls} calls`)
    }
    const end = await place.run(COMMAND)

    const said = `killed ${moments.join(', ')}`
    expect(end, said).toExitWith(2)
    expect(summaryOf(end), said).toMatchObject({ total: 200, completed: 190, failed: 10 })
    await expectAnswers(place.path('in.results.jsonl'), valid)
    expect(idsOf(await readOutput(place.path('in.errors.jsonl'))), said).toEqual([...BAD].sort())
    const stats = simulator.stats()
    expect(stats.promptsCompleted, said).toBe(190)
    expect(stats.repeatedCompletions, said).toBeLessThanOrEqual(KILLS * CONCURRENCY)
    expect(stats.maxInFlight, said).toBeLessThanOrEqual(2 * CONCURRENCY)
    await expectNothingLeft(place)
  })

  test('also before the first call', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', requests(20))
    const moments: readonly (readonly [string, () => boolean])[] = [
      ['the data directory is there', () => existsSync(place.dataDir)],
      ['the batch is on disk', () => existsSync(join(place.dataDir, 'outputs'))],
      ['its files can be seen', () => RESULTS.some((name) => existsSync(place.path(name)))],
    ]
    for (const [what, condition] of moments) {
      const cli = place.start(COMMAND)
      await cli.until(what, condition)
      await cli.kill()
    }
    expect(await place.run(COMMAND)).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ids(20))
    expect(simulator.stats().repeatedCompletions).toBeLessThanOrEqual(CONCURRENCY)
    await expectNothingLeft(place)
  })
})

test('a torn last line is cut off, whole lines behind it are kept, and each request is answered once', async () => {
  const { conduit, place, cli, partial } = await startedAndPartlyOnDisk()
  await cli.kill()
  conduit.release()
  const lines = (await readFile(partial, 'utf8')).split('\n')
  await appendFile(partial, lines[0]?.slice(0, 100) ?? '')

  const end = await place.run(COMMAND)

  expect(end).toExitWith(0)
  expect(summaryOf(end)).toMatchObject({ total: 100, completed: 100 })
  await expectAnswers(place.path('in.results.jsonl'), ids(100))
  expect(conduit.calls).toHaveLength(100 + CONCURRENCY)
})

test('a results file that somebody shortened stops the batch with its name, instead of losing answers in silence', async () => {
  const { conduit, place, cli, partial } = await startedAndPartlyOnDisk()
  cli.signal('SIGINT')
  await cli.until('it waits for the calls in flight', () => cli.stderr.includes('STOPPING: '))
  conduit.release()
  expect(await cli.ended).toExitWith(130)
  await truncate(partial, 100)

  const end = await place.run(COMMAND)

  expect(end).toExitWith(1)
  expect(summaryOf(end)).toMatchObject({ status: 'stopped' })
  expect(end.stderr).toMatch(/results\.jsonl has 100 bytes.*--fresh/s)
})

/** A run of 100 requests of which 20 answers are on disk, and the next calls are out. */
async function startedAndPartlyOnDisk() {
  const conduit = await recordCalls((_, number) => number > 20)
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
  await place.write('in.jsonl', requests(100))
  const cli = place.start(COMMAND)
  const partial = place.path('in.results.jsonl.partial')
  await cli.until('calls are out', () => conduit.held === CONCURRENCY)
  await cli.until('some answers are on disk', async () => (await linesIn(partial)) === 20)
  return { conduit, place, cli, partial }
}

/** No draft and no half-made batch is left where people look, nor in the data directory. */
async function expectNothingLeft(place: Workplace): Promise<void> {
  const seen = (await readdir(place.directory)).filter((name) => /partial|tmp/.test(name))
  const batches = await readdir(join(place.dataDir, 'batches'))
  expect({ seen, drafts: batches.filter((name) => name.startsWith('.')) }).toEqual({ seen: [], drafts: [] })
}
