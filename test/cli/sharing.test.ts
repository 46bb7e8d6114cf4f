import { expect, test } from 'vitest'
import { expectAnswers, ids, jsonLines, request, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'
import { recordCalls } from '../support/receivers.js'
import { uniquePrefix } from '../support/redis.js'

const OPTIONS = ['--json', '--concurrency', '10', ...QUICK]

function requestsFrom(first: number, count: number): string {
  return jsonLines(ids(count, first).map((id) => request(id)))
}

test('two files in one data directory are worked on together: the second goes on when the first is done', async () => {
  const conduit = await recordCalls(() => true)
  const place = await createWorkplace({ CONDUIT_API_KEY: 'sk-1', CONDUIT_BASE_URL: conduit.baseUrl })
  await place.write('short.jsonl', requestsFrom(1, 20))
  await place.write('long.jsonl', requestsFrom(1001, 120))
  const short = place.start(['run', 'short.jsonl', ...OPTIONS])
  await short.until('it has calls out', () => conduit.held === 10)
  const long = place.start(['run', 'long.jsonl', ...OPTIONS])
  await long.until('it shows its progress', () => /^0 of 120 /m.test(long.stderr))
  conduit.release()

  const [first, second] = await Promise.all([short.ended, long.ended])

  expect([first, second]).toMatchObject([{ code: 0 }, { code: 0 }])
  expect(summaryOf(first)).toMatchObject({ total: 20, completed: 20 })
  expect(summaryOf(second)).toMatchObject({ total: 120, completed: 120 })
  await expectAnswers(place.path('short.results.jsonl'), ids(20))
  await expectAnswers(place.path('long.results.jsonl'), ids(120, 1001))
  expect(conduit.calls).toHaveLength(140)
})

test('two data directories on one Redis share a queue, and each gets its own answers', async () => {
  const simulator = await simulate({ latencyMs: { min: 20, max: 60 } })
  const settings = { ...settingsFor(simulator), CONDUIT_BATCH_KEY_PREFIX: uniquePrefix() }
  const [here, there] = await Promise.all([createWorkplace(settings), createWorkplace(settings)])
  await here.write('in.jsonl', requestsFrom(1, 60))
  await there.write('in.jsonl', requestsFrom(1001, 60))

  const ends = await Promise.all([
    here.run(['run', 'in.jsonl', ...OPTIONS]),
    there.run(['run', 'in.jsonl', ...OPTIONS]),
  ])

  expect(ends).toMatchObject([{ code: 0 }, { code: 0 }])
  await expectAnswers(here.path('in.results.jsonl'), ids(60))
  await expectAnswers(there.path('in.results.jsonl'), ids(60, 1001))
  expect(simulator.stats()).toMatchObject({ calls: 120, repeatedCompletions: 0 })
})

test('two keys on two queues: a wrong one holds its own queue only', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requestsFrom(1, 20))
  const wrong = place.start(['run', 'in.jsonl', '--queue', 'wrong', '--output', 'wrong.jsonl', ...OPTIONS], {
    env: { CONDUIT_API_KEY: 'sk-mistyped' },
  })
  await wrong.until('it waits', () => wrong.stderr.includes('PAUSED: '))

  expect(await place.run(['run', 'in.jsonl', ...OPTIONS])).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(20))

  const status = await place.run(['status', '--json'])
  const held = (JSON.parse(status.stdout) as { queues: { queue: string; holds: unknown[] }[] }).queues
  expect(held.map(({ queue, holds }) => [queue, holds.length])).toEqual([
    ['default', 0],
    ['wrong', 1],
  ])
  wrong.signal('SIGINT')
  expect(await wrong.ended).toExitWith(130)
})
