import { expect, test } from 'vitest'
import { createWorkplace, simulate } from '../support/cli.js'

const FILE = 'conduit-batch.config.json'

test('a file with two queues: all that is wrong is told at once; once it is mended, every command knows both', async () => {
  const [rich, poor] = [await simulate({ balanceCents: 1234 }), await simulate({ balanceCents: 0 })]
  const place = await createWorkplace({ RICH_KEY: 'sk-simulator' })
  const rest = { baseUrl: poor.baseUrl, billingUrl: poor.billingUrl }
  const queues = {
    rich: { apiKeyEnv: 'RICH_KEY', baseUrl: rich.baseUrl, billingUrl: rich.billingUrl },
    poor: { apiKeyFile: 'poor.key', ...rest },
  }
  await place.write('poor.key', 'sk-simulator\n')
  await place.write(
    FILE,
    JSON.stringify({ queues: { ...queues, poor: { ...rest, apiKey: 'sk-x', limit: {} } } }),
  )
  const refused = await place.run(['status'], { env: { CONDUIT_BATCH_LOG_LEVEL: 'loud' } })
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr.trim().split('\n')).toEqual([
    'conduit-batch: these settings are wrong:',
    expect.stringMatching(/^ {2}- CONDUIT_BATCH_LOG_LEVEL must be one of /),
    expect.stringMatching(
      /^ {2}- conduit-batch\.config\.json: queues\.poor\.apiKey has no place .*"apiKeyEnv"/,
    ),
    expect.stringMatching(
      /^ {2}- conduit-batch\.config\.json: queues\.poor\.limit .*; did you mean limits\?/,
    ),
  ])
  expect(refused.stderr).not.toContain('sk-x')

  await place.write(FILE, JSON.stringify({ queues }))
  const { findings } = JSON.parse((await place.run(['doctor', '--json'])).stdout)
  expect(findings.filter(({ queue }: { queue?: string }) => queue !== undefined)).toMatchObject([
    { queue: 'rich', check: 'alerts', level: 'ok' },
    { queue: 'poor', check: 'alerts', level: 'ok' },
    { queue: 'rich', check: 'key', level: 'ok' },
    { queue: 'rich', check: 'balance', text: '$12.34' },
    { queue: 'poor', check: 'key', level: 'ok' },
    { queue: 'poor', check: 'balance', level: 'warn' },
  ])
  const status = JSON.parse((await place.run(['status', '--json'])).stdout)
  expect(status.queues).toMatchObject([{ queue: 'rich' }, { queue: 'poor' }])

  // Mistyped, it neither makes a queue nor takes the input in.
  await place.write('in.jsonl', '{"prompt": "x", "model": "m"}\n')
  const run = await place.run(['run', 'in.jsonl', '--queue', 'rihc', '--config', FILE])
  expect(run).toExitWith(1)
  expect(run.stderr).toMatch(
    /There is no queue "rihc" in conduit-batch\.config\.json; there are: rich, poor\./,
  )
  const { batches } = JSON.parse((await place.run(['status', '--json'])).stdout)
  expect(batches).toEqual([])
})
