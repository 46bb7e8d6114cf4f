import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { requests } from '../support/batch-files.js'
import { type Action, action } from '../support/batch-model/actions.js'
import { type BatchSystem, createBatchSystem } from '../support/batch-model/batch-system.js'
import { checkJobs, checkLines, finishInPeace, type Model, play } from '../support/batch-model/play.js'
import { testBatch, testSession } from '../support/batches.js'

const REQUESTS = 6
const RUNS = 25

let system: BatchSystem | null = null
afterEach(async () => {
  await system?.close()
  system = null
})

async function live(actions: readonly Action[], session?: Session): Promise<void> {
  system = createBatchSystem(await testBatch(requests(REQUESTS), {}, session ?? (await testSession())))
  const model: Model = { answers: new Set(), out: [], past: [] }
  for (const one of actions) {
    await play(one, system, model)
    await checkLines(system)
    await checkJobs(system, model)
  }
  await finishInPeace(system, model, REQUESTS)
  await system.close()
  system = null
}

test('whatever happens to a batch, in any order: each request ends in one line, and no answer is paid twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 8, maxLength: 30, size: 'max' }), (actions) =>
      live(actions),
    ),
    // Shrinking ends in time for the test to tell what it has found.
    { numRuns: RUNS, unbiased: true, interruptAfterTimeLimit: 40_000 },
  )
})

test('without anything in its way, too', async () => {
  await expect(live([])).resolves.toBeUndefined()
})

test('wherever collecting dies, a dead letter that is retried before the next start is written once', async () => {
  for (let commands = 6; commands <= 12; commands++) {
    await live([
      { kind: 'feed', crash: null },
      { kind: 'call', pick: 0 },
      { kind: 'die', pick: 0, again: false, jobStays: false },
      { kind: 'crash', torn: 0 },
      { kind: 'collect', crash: { commands, carriedOut: false } },
      { kind: 'redrive', most: 1 },
      { kind: 'collect', crash: null },
    ])
  }
})
