import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { expectAnswers, ids, requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate } from '../support/cli.js'

const PRICES = JSON.stringify({ prices: { 'gpt-4o-mini': { input: 100, output: 400 } } })

test('a dry run tells what a batch will take, needs no key and no Redis, and leaves nothing', async () => {
  const simulator = await simulate()
  const place = await createWorkplace({ REDIS_URL: undefined })
  await place.write('in.jsonl', `${requests(4)}no JSON\n`)
  const before = await readdir(place.directory)
  const [told, strict] = await Promise.all([
    place.run(['run', 'in.jsonl', '--dry-run']),
    place.run(['submit', 'in.jsonl', '--dry-run', '--strict', '--json']),
  ])
  expect(told).toExitWith(0)
  expect(told.stdout).toMatch(/4 requests of in\.jsonl can be sent\.\n1 line can't be sent:\n {2}line 5:/)
  expect(told.stdout).toContain('no answer was seen yet')
  expect(strict).toExitWith(1)
  expect(strict).toMatchObject({ stdout: '', stderr: expect.stringContaining('line 5') })
  expect(await readdir(place.directory)).toEqual(before)
  expect(simulator.stats().calls).toBe(0)
})

test('a batch stops at its budget and asks: exit 3; a larger one lets the same command go on', async () => {
  const simulator = await simulate()
  const place = await createWorkplace(settingsFor(simulator))
  await place.write('in.jsonl', requests(30))
  await place.write('conduit-batch.config.json', PRICES)
  const run = (...more: readonly string[]) => place.run(['run', 'in.jsonl', '--json', ...QUICK, ...more])

  const first = await run('--max-requests', '12')
  expect(first).toExitWith(3)
  const summary = summaryOf(first)
  expect(summary).toMatchObject({
    status: 'stopped',
    completed: 12,
    overBudget: { budget: 'requests', limit: 12, used: 12 },
    costCents: expect.any(Number),
  })
  expect(first.stderr).toMatch(/Over budget: its budget of 12 requests is used up.*conduit-batch resume b/s)
  expect(simulator.stats().completed).toBe(12)

  const again = await run('--max-requests', '12')
  expect(again).toExitWith(3)
  // The answers so far tell what the rest will take.
  const dry = await run('--dry-run', '--max-cost', '0.01')
  expect(JSON.parse(dry.stdout)).toMatchObject({
    dryRun: true,
    batch: summary.batch,
    done: 12,
    models: [{ requests: 30, promptBy: 'answers', completionBy: 'answers', costBy: 'prices' }],
  })
  const end = await run('--max-requests', '30', '--max-cost', '50')
  expect(end).toExitWith(0)
  await expectAnswers(place.path('in.results.jsonl'), ids(30))
  const { costCents } = JSON.parse(end.stdout) as { costCents: number }
  expect(JSON.parse(dry.stdout).costCents).toBeGreaterThan(costCents * 0.9)
  expect(JSON.parse(dry.stdout).costCents).toBeLessThan(costCents * 1.1)
})

test('a budget of money is refused where nobody can tell what calls cost, before any call', async () => {
  const simulator = await simulate()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_BILLING_URL: 'http://127.0.0.1:1/billing',
  })
  await place.write('in.jsonl', requests(3))
  const refused = await place.run(['run', 'in.jsonl', '--max-cost', '5'])
  expect(refused).toExitWith(1)
  expect(refused.stderr).toMatch(/Nobody can tell what "gpt-4o-mini" costs.*"prices"/)
  expect(simulator.stats().calls).toBe(0)
})
