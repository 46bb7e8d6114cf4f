import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { requests, summaryOf } from '../support/batch-files.js'
import { createWorkplace, QUICK, settingsFor, simulate, type Workplace } from '../support/cli.js'
import { receiveAlerts } from '../support/receivers.js'

const CONFIG = 'conduit-batch.config.json'

/** A place whose file of settings names a file with a key. */
async function placeWithKey(name: string, key: string) {
  const simulator = await simulate()
  const webhook = await receiveAlerts()
  const place = await createWorkplace({
    ...settingsFor(simulator),
    CONDUIT_API_KEY: undefined,
    CONDUIT_BATCH_ALERT_WEBHOOK: webhook.url,
  })
  await place.write(name, key)
  await nameKeyFile(place, name)
  return { simulator, webhook, place }
}

const nameKeyFile = (place: Workplace, apiKeyFile: string) =>
  writeFile(place.path(CONFIG), JSON.stringify({ queues: { default: { apiKeyFile } } }))

describe('SIGHUP where there is no terminal', () => {
  test('makes a run read its settings again: a key that another file holds lifts the pause', async () => {
    const { simulator, webhook, place } = await placeWithKey('wrong', 'sk-wrong-key')
    await place.write('in.jsonl', requests(10))
    const cli = place.start(['run', 'in.jsonl', '--json', ...QUICK])
    await cli.until('a person is told', () => webhook.alerts.length === 1)
    await place.write('right', 'sk-simulator')
    await nameKeyFile(place, 'right')
    cli.signal('SIGHUP')
    const end = await cli.ended
    expect(end).toExitWith(0)
    expect(summaryOf(end)).toMatchObject({ completed: 10, failed: 0, pauses: 1 })
    expect(webhook.alerts.map(({ endedBy }) => endedBy)).toEqual([null, 'new_key'])
    expect(simulator.stats().completed).toBe(10)
  })

  test('stops no worker, and says when the settings are wrong', async () => {
    const { place } = await placeWithKey('key', 'sk-simulator')
    const cli = place.start(['work'])
    const logged = (event: string) => cli.stderr.split(`"msg":"${event}"`).length - 1
    await cli.until('it works', () => logged('worker.started') === 1)
    await writeFile(place.path(CONFIG), '{')
    cli.signal('SIGHUP')
    await cli.until('it tells that', () => logged('settings.not_read_again') === 1)
    await nameKeyFile(place, 'key')
    cli.signal('SIGHUP')
    await cli.until('it has read them', () => logged('key.read_again') === 2)
    cli.signal('SIGTERM')
    expect(await cli.ended).toExitWith(0)
  })
})
