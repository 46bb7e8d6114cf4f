import { expect, test } from 'vitest'
import { createWorkplace, settingsFor, simulate } from '../support/cli.js'
import { hookServer } from '../support/hooks.js'

const FILE = 'conduit-batch.config.json'

test('a test goes through every channel; whoever looks sees what fails, and no secret of it', async () => {
  const [works, fails] = [
    await hookServer({ path: 'HUSH' }),
    await hookServer({ path: 'HUSH', says: 'HUSH' }),
  ]
  fails.refuse(Number.POSITIVE_INFINITY, 403)
  const simulator = await simulate()
  const place = await createWorkplace({ ...settingsFor(simulator), WORKS: works.url, FAILS: fails.url })
  const channels = [
    { type: 'webhook', urlEnv: 'WORKS' },
    { type: 'slack', name: 'team', urlEnv: 'FAILS' },
  ]
  const own = { channels: [{ type: 'command', command: ['/bin/sh', '-c', 'cat > told.json'] }] }
  await place.write(
    FILE,
    JSON.stringify({ alerts: { channels }, queues: { default: {}, nightly: { alerts: own } } }),
  )

  const tested = await place.run(['alerts', 'test', '--json'])
  expect(tested).toExitWith(1)
  expect(JSON.parse(tested.stdout)).toEqual({
    channels: [
      { channel: 'webhook', type: 'webhook', queues: ['default', 'nightly'], delivered: true, why: null },
      {
        channel: 'team',
        type: 'slack',
        queues: ['default', 'nightly'],
        delivered: false,
        why: 'it answered 403',
      },
      { channel: 'command', type: 'command', queues: ['nightly'], delivered: true, why: null },
    ],
  })
  expect(works.alerts).toMatchObject([{ type: 'alert.test', queue: 'default' }])

  const [list, status, doctor] = await Promise.all([
    place.run(['alerts', 'list', '--queue', 'nightly']),
    place.run(['status']),
    place.run(['doctor']),
  ])
  expect(list.stdout).toMatch(
    /^CHANNEL .*WHY\nwebhook .* works .*\nteam .* fails .* it answered 403\ncommand .* works /,
  )
  expect(status.stdout).toMatch(
    /ALERTS +Of queue default, channel team fails: it answered 403 \(once; it never worked\)/,
  )
  expect(doctor.stdout).toMatch(
    /^warn +alerts of nightly +team fails: it answered 403 .*conduit-batch alerts test$/m,
  )
  expect([tested, list, status, doctor].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain(
    'HUSH',
  )
})

test('without a channel a test fails and says how to set one up; it needs neither Redis nor a key', async () => {
  const place = await createWorkplace({ REDIS_URL: undefined })
  const none = await place.run(['alerts', 'test'])
  expect(none).toExitWith(1)
  expect(none.stderr).toMatch(/nobody is told: set CONDUIT_BATCH_ALERT_WEBHOOK/)
  const { url, alerts } = await hookServer()
  const env = { CONDUIT_BATCH_ALERT_WEBHOOK: url }
  expect(await place.run(['alerts', 'test'], { env })).toExitWith(0)
  expect(alerts).toHaveLength(1)
})
