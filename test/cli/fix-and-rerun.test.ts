import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  expectAnswers,
  ids,
  jsonLines,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { recordCalls } from '../support/receivers.js'

const CONCURRENCY = 5
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', String(CONCURRENCY), ...QUICK]

/** Batches that are there. */
function batchesOf(place: Workplace): Promise<string[]> {
  return readdir(join(place.dataDir, 'batches'))
}

describe('run on an edited file', () => {
  test('calls what was fixed or added, and keeps every other answer', async () => {
    const simulator = await simulate()
    const place = await createWorkplace(settingsFor(simulator))
    const good = ids(18).map((id) => request(id))
    const bad = ['bad-1', 'bad-2'].map((id) => request(id, '[[VALIDATION_ERROR]]'))
    await place.write('in.jsonl', jsonLines([...good, ...bad]))
    const first = await place.run(COMMAND)
    expect(first).toExitWith(2)
    const before = await readOutput(place.path('in.results.jsonl'))
    const { calls } = simulator.stats()

    const fixed = ['bad-1', 'bad-2', 'new'].map((id) => request(id))
    await place.write('in.jsonl', jsonLines([...fixed, ...good.slice(1)]))
    const second = await place.run(COMMAND)

    expect(second).toExitWith(0)
    expect(simulator.stats().calls - calls).toBe(3)
    expect(second.stderr).toContain(
      `17 of 20 answers are kept from batch ${summaryOf(first).batch}; 3 requests are new, different or without an answer yet.`,
    )
    expect(summaryOf(second)).toMatchObject({ total: 20, completed: 20, failed: 0, errors: null })
    const kept = ids(18).slice(1)
    const after = await expectAnswers(place.path('in.results.jsonl'), [...kept, 'bad-1', 'bad-2', 'new'])
    const responses = new Map(before.map(({ custom_id, response }) => [custom_id, response]))
    for (const { custom_id, response } of after) {
      if (kept.includes(custom_id)) expect(response).toEqual(responses.get(custom_id))
    }
    expect(existsSync(place.path('in.errors.jsonl'))).toBe(false)
    expect(await batchesOf(place)).toEqual([summaryOf(second).batch])
  })

  test('interrupted halfway, or killed, and killed again while it takes over: nothing is called twice', async () => {
    const simulator = await simulate({ latencyMs: { min: 80, max: 120 } })
    const place = await createWorkplace(settingsFor(simulator))
    await place.write('in.jsonl', requests(60))
    const interrupted = place.start(COMMAND)
    await interrupted.until('it is under way', () => simulator.stats().completed > 5)
    interrupted.signal('SIGINT')
    expect(await interrupted.ended).toExitWith(130)

    await place.write('in.jsonl', requests(61))
    const killed = place.start(COMMAND)
    await killed.until('it goes on', () => simulator.stats().completed > 25)
    await killed.kill()

    await place.write('in.jsonl', requests(62))
    const { calls } = simulator.stats()
    const early = place.start(COMMAND)
    await early.until('the old one is ended', async () => {
      // Its draft is there for a moment only; who looks too late sees calls.
      const drafted = (await batchesOf(place)).some((name) => name.startsWith('.new-'))
      return drafted || simulator.stats().calls > calls
    })
    await early.kill()
    const last = await place.run(COMMAND)

    expect(last).toExitWith(0)
    await expectAnswers(place.path('in.results.jsonl'), ids(62))
    // What was out when a process was killed had no answer yet, or one that nobody heard.
    expect(simulator.stats().calls).toBeLessThanOrEqual(62 + 2 * CONCURRENCY)
    expect(await batchesOf(place)).toEqual([summaryOf(last).batch])
  })

  test('while the old one runs elsewhere waits for its calls, and that one ends', async () => {
    const conduit = await recordCalls((_, number) => number > 5)
    const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
    await place.write('in.jsonl', requests(40))
    const old = place.start(COMMAND)
    await old.until('it is under way', () => conduit.held === CONCURRENCY)
    const { store } = await testSession(place.settings.CONDUIT_BATCH_KEY_PREFIX)
    const [id = ''] = await batchesOf(place)

    await place.write('in.jsonl', requests(42))
    const rerun = place.start(COMMAND)
    await rerun.until('it has ended the old one', async () => (await store.marks(id))?.state === 'replaced')
    conduit.release()

    const edited = await rerun.ended
    expect(edited).toExitWith(0)
    expect(summaryOf(await old.ended).status).toBe('replaced')
    await expectAnswers(place.path('in.results.jsonl'), ids(42))
    expect(conduit.calls).toHaveLength(42)
  })
})
