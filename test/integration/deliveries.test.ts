import { Writable } from 'node:stream'
import type { Queue } from 'bullmq'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Alert } from '../../src/alerts/alert.js'
import { readChannelHealth } from '../../src/alerts/channel-health.js'
import { addDeliveries } from '../../src/alerts/deliveries.js'
import { ALERTS } from '../../src/alerts/outbox.js'
import type { ChannelSettings } from '../../src/alerts/settings.js'
import type { Session } from '../../src/batches/session.js'
import { openQueue } from '../../src/completions/queues.js'
import { startAlertRole } from '../../workers/alert-role.js'
import { startAlertWorker } from '../../workers/alert-worker.js'
import { BRAKED, incidentAlert, resolvedAlert } from '../support/alerts.js'
import { testSession } from '../support/batches.js'
import { eventually } from '../support/eventually.js'
import { hookServer } from '../support/hooks.js'

let session: Session
let queue: Queue
const cleanups: (() => Promise<unknown> | unknown)[] = []
beforeEach(async () => {
  session = await testSession()
  queue = openQueue(ALERTS, session.redis, session.keys)
  cleanups.push(() => queue.close())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Everything that is logged, as text. */
function capture() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  return { log: pino({ level: 'trace' }, stream), lines }
}

function start(channels: readonly ChannelSettings[]) {
  const { log, lines } = capture()
  const worker = startAlertWorker({ redis: session.redis, keys: session.keys, log, channels })
  cleanups.push(() => worker.close())
  return { lines, close: worker.close }
}

const hook = (name: string, url: string): ChannelSettings => ({ type: 'webhook', name, url, secret: null })
const add = (alert: Alert, ...channels: string[]) => addDeliveries(queue, alert, channels)
const health = async (name: string) =>
  (await readChannelHealth(session.redis, session.keys)).find(({ channel }) => channel === name)
const delivered = (what: string, list: readonly unknown[], count: number) =>
  eventually(what, () => list.length === count)
/** Retries come after a second and more; the test does not wait for them. */
async function hurry(): Promise<void> {
  for (const job of await queue.getDelayed()) await job.promote().catch(() => undefined)
}

describe('a channel that hangs', () => {
  it('holds up no other, however much it has to tell', async () => {
    const slow = await hookServer({ hangs: true })
    const fast = await hookServer()
    for (let number = 0; number < 20; number++) {
      await add({ ...BRAKED, id: `braked-${number}` }, 'slow', 'fast')
    }
    const { close } = start([hook('slow', slow.url), hook('fast', fast.url)])
    await delivered('all is told on the fast channel', fast.alerts, 20)
    expect(fast.alerts.map(({ id }) => id)).toContain('braked-19')
    // One at a time: the others have not even been tried.
    expect(slow.calls).toBe(1)
    slow.release()
    await close()
  })
})

describe('a channel that fails', () => {
  it('is seen to fail, with the reason in a few words, until it works again', async () => {
    const { url, alerts, refuse } = await hookServer()
    refuse(2, 503)
    start([hook('hook', url)])
    await add(incidentAlert(), 'hook')
    await eventually('it failed once', async () => (await health('hook'))?.failuresInRow === 1)
    expect(await health('hook')).toMatchObject({ deliveredAt: null, why: 'it answered 503' })
    await eventually('it works again', async () => {
      await hurry()
      return alerts.length === 1 && (await health('hook'))?.failuresInRow === 0
    })
    expect(await health('hook')).toMatchObject({
      why: null,
      deliveredAt: expect.any(Number),
      failedAt: expect.any(Number),
    })
  })

  it('gets the all-clear after its alert, while another has both already', async () => {
    const failing = await hookServer()
    failing.refuse(1, 500)
    const working = await hookServer()
    start([hook('failing', failing.url), hook('working', working.url)])
    await add(incidentAlert(), 'failing', 'working')
    await add(resolvedAlert(), 'failing', 'working')
    await delivered('all is told on the working channel', working.alerts, 2)
    expect(failing.alerts).toEqual([])
    await eventually('all is told on the other', async () => {
      await hurry()
      return failing.alerts.length === 2
    })
    for (const { alerts } of [failing, working])
      expect(alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
  })

  it('is not reminded of what is over', async () => {
    const { url, alerts } = await hookServer()
    const reminder = incidentAlert({ type: 'incident.reminder', id: 'i1-reminder-1' })
    await add(incidentAlert(), 'hook')
    await add(reminder, 'hook')
    await add(resolvedAlert(), 'hook')
    start([hook('hook', url)])
    await eventually('all jobs are over', async () => (await queue.getCompletedCount()) === 6)
    expect(alerts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
  })
})

describe('a channel that works again after a long time', () => {
  it('is told of the trouble, and reminded of it once', async () => {
    const { url, alerts } = await hookServer()
    await add(incidentAlert(), 'hook')
    for (const number of [1, 2, 3])
      await add(incidentAlert({ type: 'incident.reminder', id: `i1-reminder-${number}` }), 'hook')
    start([hook('hook', url)])
    await eventually('all jobs are over', async () => (await queue.getCompletedCount()) === 8)
    expect(alerts.map(({ id }) => id)).toEqual(['i1-opened', 'i1-reminder-3'])
  })
})

describe('a channel that this process does not know', () => {
  it('is left to one that does', async () => {
    const { url, alerts } = await hookServer()
    const { lines } = start([])
    await add(incidentAlert(), 'hook')
    await eventually('it is put off', async () => (await queue.getDelayedCount()) === 1)
    expect(lines.join('')).not.toContain('not_delivered')
    start([hook('hook', url)])
    await eventually('it is told', async () => {
      await hurry()
      return alerts.length === 1
    })
  })

  it('fails visibly after a day', async () => {
    const { lines } = start([])
    await queue.add(
      'x',
      { alert: incidentAlert(), channel: 'hook' },
      { timestamp: Date.now() - 25 * 3_600_000 },
    )
    await eventually('it failed', async () => (await queue.getFailedCount()) === 1)
    expect(await health('hook')).toMatchObject({ why: 'no process has such a channel', failuresInRow: 1 })
    expect(lines.join('')).toContain('"channel":"hook","err":"no process has such a channel"')
  })

  it('is not waited for at the end', async () => {
    const { log, lines } = capture()
    const role = startAlertRole(session, { channels: [], remindersMs: [] }, log)
    await add(incidentAlert(), 'hook')
    await eventually('it is put off', async () => (await queue.getDelayedCount()) === 1)
    const before = Date.now()
    await role.close()
    expect(Date.now() - before).toBeLessThan(5000)
    expect(lines.join('')).not.toContain('left_for_later')
  })
})

it('shows no secret of any channel, in the log, in Redis, or in what is shown of it', async () => {
  const SECRETS = ['HUSHPATH', 'HUSHUSER', 'HUSHWORD', 'HUSHROUTE', Buffer.alloc(24, 5).toString('base64')]
  const { url, alerts, refuse } = await hookServer({ path: 'HUSHPATH', says: SECRETS.join() })
  refuse(4, 500)
  const place = { directory: '/', environment: { TOKEN: 'HUSHWORD' } }
  const channels: ChannelSettings[] = [
    { type: 'webhook', name: 'webhook', url, secret: `whsec_${SECRETS[4]}` },
    { type: 'slack', name: 'slack', url },
    { type: 'discord', name: 'discord', url },
    { type: 'pagerduty', name: 'pagerduty', url, routingKey: 'HUSHROUTE' },
    { type: 'slack', name: 'gone', url: 'http://127.0.0.1:1/HUSHPATH' },
    {
      type: 'email',
      name: 'email',
      smtpUrl: 'smtp://HUSHUSER:HUSHWORD@127.0.0.1:1',
      from: 'a@x.test',
      to: ['b@x.test'],
    },
    { type: 'command', name: 'command', command: ['/bin/sh', '-c', 'echo HUSHWORD; exit 1'], ...place },
  ]
  const { lines } = start(channels)
  await add(incidentAlert(), ...channels.map(({ name }) => name))
  await eventually('each has failed, and some have worked', async () => {
    const seen = await readChannelHealth(session.redis, session.keys)
    if (seen.filter(({ failedAt }) => failedAt !== null).length === 7) await hurry()
    return alerts.length === 4
  })
  const shown = [
    lines,
    await dump(),
    JSON.stringify(await readChannelHealth(session.redis, session.keys)),
  ].join()
  // It is what we think it is.
  expect(shown).toContain('the mail was not taken (ESOCKET)')
  expect(shown).toContain('the command ended with 1')
  for (const secret of SECRETS) expect(shown).not.toContain(secret)
})

/** Every key of this test, as Redis would write it to disk. */
async function dump(): Promise<string> {
  const { redis, keys } = session
  const parts: string[] = []
  for await (const names of redis.scanStream({ match: `${keys.tag}*`, count: 1000 })) {
    for (const name of names as string[]) parts.push(name, await contentOf(name))
  }
  return parts.join('\n')
}

async function contentOf(name: string): Promise<string> {
  const { redis } = session
  switch (await redis.type(name)) {
    case 'hash':
      return JSON.stringify(await redis.hgetall(name))
    case 'zset':
      return JSON.stringify(await redis.zrange(name, '0', '-1'))
    case 'list':
      return JSON.stringify(await redis.lrange(name, 0, -1))
    case 'stream':
      return JSON.stringify(await redis.xrange(name, '-', '+'))
    case 'set':
      return JSON.stringify(await redis.smembers(name))
    default:
      return (await redis.get(name)) ?? ''
  }
}
