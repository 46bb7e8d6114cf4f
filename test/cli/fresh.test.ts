import { existsSync } from 'node:fs'
import { readdir, readFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { expectAnswers, ids, jsonLines, request, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { type RecordingConduit, recordCalls } from '../support/receivers.js'

const CONCURRENCY = 4
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]
const TOTAL = 12

/** The batches that `status` knows, with their state. */
async function batchesOf(place: Workplace): Promise<string[]> {
  const { stdout } = await place.run(['status', '--json'])
  const { batches } = JSON.parse(stdout) as { batches: { id?: string; batch?: string; state: string }[] }
  return batches.map(({ id, batch, state }) => `${id ?? batch} ${state}`)
}

describe('a batch that was left in the middle', () => {
  let conduit: RecordingConduit
  let place: Workplace
  beforeEach(async () => {
    conduit = await recordCalls(() => true)
    place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', requests(TOTAL))
    const cli = place.start(COMMAND)
    await cli.until('it has calls out', () => conduit.held === CONCURRENCY)
    await cli.kill()
    conduit.release()
  })

  test('ends with the first start that succeeds, when that of --fresh did not', async () => {
    const away = { REDIS_URL: 'redis://127.0.0.1:1' }
    expect(await place.run([...COMMAND, '--fresh'], { env: away })).toExitWith(1)

    const end = await place.run(COMMAND)

    expect(end).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ids(TOTAL))
    expect(await batchesOf(place)).toEqual([`${summaryOf(end).batch} completed`])
    expect(conduit.calls).toHaveLength(CONCURRENCY + TOTAL)
  })

  test('ends on its own queue, when --fresh names another', async () => {
    const end = await place.run([...COMMAND, '--fresh', '--queue', 'other'])

    expect(end).toExitWith(0)
    expect(await batchesOf(place)).toEqual([`${summaryOf(end).batch} completed`])
    expect(conduit.calls).toHaveLength(CONCURRENCY + TOTAL)
  })
})

describe('a finished batch that --fresh replaces', () => {
  test('leaves nothing behind once the new one is finished, its errors file included', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    await place.write('in.jsonl', `${requests(3)}not JSON\n`)
    expect(await place.run(COMMAND)).toExitWith(2)
    expect(existsSync(place.path('in.errors.jsonl'))).toBe(true)
    await place.write('in.jsonl', requests(4))

    const fresh = await place.run([...COMMAND, '--fresh'])

    expect(fresh).toExitWith(0)
    expect(summaryOf(fresh)).toMatchObject({ completed: 4, errors: null })
    expect((await readdir(place.directory)).filter((name) => name.startsWith('in.errors'))).toEqual([])
    expect(await readdir(join(place.dataDir, 'batches'))).toEqual([summaryOf(fresh).batch])
    await expectAnswers(place.path('in.results.jsonl'), ids(4))
  })

  test('keeps its files as long as the new one is not finished', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', requests(3))
    const first = summaryOf(await place.run(COMMAND)).batch

    const refused = await place.run([...COMMAND, '--fresh', '--exit-on-pause'], {
      env: { CONDUIT_API_KEY: 'sk-wrong' },
    })

    expect(refused).toExitWith(3)
    await expectAnswers(join(place.dataDir, 'batches', first, 'results.jsonl'), ids(3))
    expect(await place.run(COMMAND)).toExitWith(0)
    expect(existsSync(join(place.dataDir, 'batches', first))).toBe(false)
  })

  test('does not take an errors file with it that somebody else wrote', async () => {
    const place = await createWorkplace(settingsFor(await simulate()))
    await place.write('in.jsonl', requests(3))
    expect(await place.run(COMMAND)).toExitWith(0)
    await place.write('in.errors.jsonl', 'my notes\n')
    expect(await place.run([...COMMAND, '--fresh'])).toExitWith(0)
    expect(await readFile(place.path('in.errors.jsonl'), 'utf8')).toBe('my notes\n')
  })
})

describe('after a finished run', () => {
  let place: Workplace
  beforeEach(async () => {
    place = await createWorkplace(settingsFor(await simulate()))
    await place.write('in.jsonl', jsonLines([request('a'), request('hot', '', { temperature: 9 })]))
    expect(await place.run(COMMAND)).toExitWith(2)
  })

  test('answers that were emptied stay so; deleted as well, they are not written again as an empty file', async () => {
    await truncate(place.path('in.results.jsonl'))
    expect(await place.run(COMMAND)).toExitWith(2)
    expect(await readFile(place.path('in.results.jsonl'), 'utf8')).toBe('')
    await rm(place.path('in.results.jsonl'))

    await expectRefusal('in.results.jsonl')

    expect(await place.run([...COMMAND, '--fresh'])).toExitWith(2)
    await expectAnswers(place.path('in.results.jsonl'), ['a'])
  })

  test('an errors file, emptied and then deleted, is not written again as an empty file', async () => {
    await truncate(place.path('in.errors.jsonl'))
    await rm(place.path('in.errors.jsonl'))
    await expectRefusal('in.errors.jsonl')
  })

  async function expectRefusal(name: string): Promise<void> {
    const again = await place.run(COMMAND)
    expect(again).toExitWith(1)
    expect(again.stderr).toContain(place.path(name))
    expect(again.stderr).toMatch(/shortened.*--fresh/s)
    expect(again.stderr).not.toMatch(/^\s+at /m)
    expect(existsSync(place.path(name))).toBe(false)
  }
})

test('status makes no data directory, where there is none or an empty one', async () => {
  const place = await createWorkplace()
  expect(await place.run(['status'])).toExitWith(0)
  expect(existsSync(place.dataDir)).toBe(false)
  expect(await place.run(['status', '--data-dir', '.'])).toExitWith(0)
  expect(await readdir(place.directory)).toEqual(['home'])
})
