import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { receiveAlerts } from '../support/receivers.js'

const COUNT = 60
const SLOW = { min: 400, max: 600 }
const FAST = { min: 5, max: 10 }
const COMMAND = ['run', 'in.jsonl', '--json', '--concurrency', '4', ...QUICK]

/** Each request is in exactly one of the two files, once; gives how many are in each. */
async function expectWhole(place: Workplace, code: string): Promise<{ answers: number; failures: number }> {
  const answers = await readOutput(place.path('in.results.jsonl'))
  const failures = await readOutput(place.path('in.errors.jsonl'))
  expect(idsOf([...answers, ...failures])).toEqual(ids(COUNT).sort())
  expect(new Set(failures.map(({ error }) => error?.code))).toEqual(new Set([code]))
  return { answers: answers.length, failures: failures.length }
}

test('a batch whose process was killed is cancelled by the command itself, and the same run goes on with it', async () => {
  const simulator = await simulate({ latencyMs: SLOW })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(COUNT))
  const cli = place.start(COMMAND)
  await cli.until('some are answered', () => simulator.stats().completed >= 6)
  await cli.kill()

  const [id = ''] = await readdir(join(place.dataDir, 'batches'))
  const first = await place.run(['cancel', id])
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /is cancelled: \d+ answered, 0 failed, \d+ not finished\.\n.*\n.*\n.*conduit-batch submit in\.jsonl/,
    ),
  })
  const { answers, failures } = await expectWhole(place, 'batch_cancelled')
  expect(first.stdout).toContain(`${answers} answered, 0 failed, ${failures} not finished`)

  simulator.control({ latencyMs: FAST })
  const { completed } = simulator.stats()
  const again = await place.run(COMMAND)
  expect(again).toExitWith(0)
  expect(summaryOf(again)).toMatchObject({ batch: id, completed: COUNT, failed: 0 })
  await expectAnswers(place.path('in.results.jsonl'), ids(COUNT))
  // What was in flight at the kill, and nothing else, may have been answered unheard.
  expect(completed - answers).toBeLessThanOrEqual(4)
  expect(simulator.stats().repeatedCompletions).toBe(completed - answers)
})

test('what is open when its completion window is over has expired; the same command without one goes on', async () => {
  const simulator = await simulate({ latencyMs: SLOW })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(COUNT))
  const expired = await place.run([...COMMAND, '--completion-window', '3s'])
  expect(expired).toExitWith(2)
  const { answers, failures } = await expectWhole(place, 'batch_expired')
  expect(summaryOf(expired)).toMatchObject({ status: 'expired', completed: answers, unfinished: failures })
  expect(expired.stderr).toMatch(/completion window: \d+ s left/)
  expect(expired.stderr).toMatch(/Expired: \d+ answered, 0 failed, \d+ not finished/)

  simulator.control({ latencyMs: FAST })
  expect(await place.run(COMMAND)).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(COUNT))
  expect(simulator.stats()).toMatchObject({ repeatedCompletions: 0 })
})

test('the brake stops a batch of one mistake, tells once, and a person lets it go on', async () => {
  const simulator = await simulate({ latencyMs: { min: 50, max: 80 } })
  const webhook = await receiveAlerts()
  const settings = { ...settingsFor(simulator), CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url }
  const place = await createWorkplace(settings)
  await place.write('in.jsonl', jsonLines(ids(100).map((id) => request(id, '', { model: 'no-such' }))))
  const stopped = await place.run(COMMAND)
  expect(stopped).toExitWith(3)
  const { batch: id } = summaryOf(stopped)
  expect(summaryOf(stopped)).toMatchObject({ status: 'stopped', brake: { code: 'CHAT_MODEL_NOT_FOUND' } })
  expect(stopped.stderr).toContain(`conduit-batch resume ${id}`)
  expect(simulator.stats().calls).toBeLessThan(40)
  expect(webhook.alerts).toMatchObject([{ type: 'batch.braked', code: 'CHAT_MODEL_NOT_FOUND' }])

  expect(await place.run(COMMAND)).toExitWith(3)
  expect(await place.run(['resume', id])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/goes on\. CHAT_MODEL_NOT_FOUND does not stop it again\.\n/),
  })
  const end = await place.run(COMMAND)
  expect(end).toExitWith(2)
  expect(summaryOf(end)).toMatchObject({ status: 'completed', failed: 100, brake: null })
  expect(simulator.stats().calls).toBe(100)
  expect(webhook.alerts).toHaveLength(1)
})
