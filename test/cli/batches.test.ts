import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  contentOf,
  ids,
  idsOf,
  jsonLines,
  readOutput,
  request,
  requests,
  summaryOf,
} from '../support/batch-files.js'
import { testSession } from '../support/batches.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { startTestRoles } from '../support/roles.js'

test('the story of a batch: submit, list, status, work, results, retry-failed, purge', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  const failing = request('p-3', '[[CHAT_MODEL_NOT_FOUND x1]]')
  await place.write('in.jsonl', jsonLines([request('p-1'), request('p-2'), failing, { wrong: true }]))

  const submitted = await place.run(['submit', 'in.jsonl', '--name', 'nightly', ...QUICK])
  expect(submitted).toExitWith(0)
  const id = submitted.stdout.trim()
  expect(submitted.stdout).toMatch(/^b[0-9a-f]{12}\n$/)
  expect(submitted.stderr).toMatch(
    /^3 requests of in\.jsonl .*\n1 more line can.*\nIt is line 4: .*\n.*: conduit-batch work\n/,
  )
  expect(simulator.stats().calls).toBe(0)

  const early = await place.run(['results', 'nightly'])
  expect(early).toMatchObject({ code: 1, stdout: '' })
  expect(early.stderr).toMatch(/is not finished: 0 of 4 .*--partial/)
  const list = await place.run(['list', '--state', 'running'])
  expect(list.stdout).toMatch(new RegExp(`^BATCH.*\n${id} +nightly +default +running +0/4 `))
  const refused = await place.run(['purge', 'nightly', '--yes'])
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`conduit-batch cancel ${id}`) })

  const watch = place.start(['status', 'nightly', '--watch', '--json'])
  await watch.until('it says that nobody works', () => watch.stderr.includes('conduit-batch work'))
  const session = await testSession(place.settings.CONDUIT_BATCH_KEY_PREFIX)
  await startTestRoles(session, { baseUrl: simulator.baseUrl, dataDirectory: place.dataDir })
  const end = await watch.ended
  expect(end).toExitWith(2)
  expect(summaryOf(end)).toMatchObject({ batch: id, status: 'completed', completed: 2, failed: 2 })
  expect(end.stderr).toContain(`conduit-batch retry-failed ${id}`)

  const retried = await place.run(['retry-failed', id.slice(0, 6)])
  // The line that was never a request stays.
  expect(retried).toExitWith(2)
  expect(retried.stdout).toContain(`conduit-batch status ${id} --watch`)
  expect(await place.run(['status', id, '--watch', '--json'])).toExitWith(2)

  expect(await place.run(['results', id, '--sort', '--output', 'sorted.jsonl'])).toExitWith(0)
  const answers = await readOutput(place.path('sorted.jsonl'))
  expect(answers.map(({ custom_id }) => custom_id)).toEqual(ids(3))
  expect(answers.map(contentOf).every((text, at) => text.includes(`say p-${at + 1}`))).toBe(true)
  const again = await place.run(['results', id, '--output', 'sorted.jsonl'])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') })
  const errors = await place.run(['results', id, '--errors'])
  expect(errors.stdout.trim().split('\n')).toHaveLength(1)
  expect(errors.stdout).toContain('"line":4')

  const kept = await readFile(place.path('in.results.jsonl'), 'utf8')
  expect(await place.run(['purge', '--older-than', '1h', '--dry-run', '--json'])).toMatchObject({
    stdout: expect.stringContaining('"batches":[]'),
  })
  expect(await place.run(['purge', 'nightly'])).toMatchObject({ code: 1 })
  expect(await place.run(['purge', 'nightly', '--yes'])).toExitWith(0)
  expect(await readdir(`${place.dataDir}/batches`)).toEqual([])
  expect(await readFile(place.path('in.results.jsonl'), 'utf8')).toBe(kept)
  expect(await place.run(['status', 'nightly'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/No batch is called nightly here\. There is no batch yet/),
  })
})

test('a batch that is cancelled keeps its answers, and the same command goes on with it', async () => {
  // So slow that it outlives the command that cancels it.
  const simulator = await simulate({ latencyMs: { min: 1000, max: 1500 } })
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(100))
  const submit = ['submit', 'in.jsonl', '--concurrency', '2', '--json', ...QUICK]
  const { batch: id } = JSON.parse((await place.run(submit)).stdout) as { batch: string }
  const session = await testSession(place.settings.CONDUIT_BATCH_KEY_PREFIX)
  const roles = await startTestRoles(session, { baseUrl: simulator.baseUrl, dataDirectory: place.dataDir })
  const watch = place.start(['status', id, '--watch'])
  await watch.until('some are answered', () => simulator.stats().completed >= 4)

  expect(await place.run(['cancel', id])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /is cancelling: no further call starts.*\n.*\n.*conduit-batch status b\w+ --watch/,
    ),
  })
  expect(await watch.ended).toExitWith(2)
  expect(await place.run(['cancel', id])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing left'),
  })
  await roles.close(5000)
  expect(simulator.stats().calls).toBeLessThan(100)
  const partial = await place.run(['results', id])
  expect(partial).toExitWith(0)
  expect(partial.stdout.trim().split('\n')).toHaveLength(simulator.stats().completed)
  const [answers, failures] = [
    await readOutput(place.path('in.results.jsonl')),
    await readOutput(place.path('in.errors.jsonl')),
  ]
  expect(idsOf([...answers, ...failures])).toEqual(ids(100).sort())

  const elsewhere = await place.run(['results', id, '--data-dir', place.path('elsewhere')])
  expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining(`but in ${place.dataDir} on `) })

  simulator.control({ latencyMs: { min: 5, max: 10 } })
  const resubmitted = JSON.parse((await place.run(submit)).stdout) as object
  expect(resubmitted).toMatchObject({ batch: id, resumed: true, state: 'running' })
  await startTestRoles(session, { baseUrl: simulator.baseUrl, dataDirectory: place.dataDir })
  expect(await place.run(['status', id, '--watch'])).toExitWith(0)
  expect(await readOutput(place.path('in.results.jsonl'))).toHaveLength(100)
  expect(simulator.stats().repeatedCompletions).toBe(0)
})
