import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Queue, Worker } from 'bullmq'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tendIncident } from '../../src/admission/incidents.js'
import { askForLease } from '../../src/admission/lease.js'
import { ALERTS, drainOutbox } from '../../src/alerts/outbox.js'
import type { ChannelSettings } from '../../src/alerts/settings.js'
import { DEFAULT_REMINDERS_MS } from '../../src/alerts/settings.js'
import type { Session } from '../../src/batches/session.js'
import { openQueue } from '../../src/completions/queues.js'
import { deliverLeft, startAlertRole } from '../../workers/alert-role.js'
import { startAlertWorker } from '../../workers/alert-worker.js'
import { requests } from '../support/batch-files.js'
import { silent, testBatch, testSession } from '../support/batches.js'
import { answered } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { aReport, holdRequest, personHold, testGate } from '../support/gates.js'
import { ageIncident } from '../support/incidents.js'

interface Post {
  readonly type: string
  readonly incident: string
  readonly [field: string]: unknown
}

let session: Session
let queue: Queue
let waiting: number
const cleanups: (() => Promise<unknown> | unknown)[] = []
beforeEach(async () => {
  session = await testSession()
  await session.redis.sadd(session.keys.activeBatches, 'b1')
  queue = openQueue(ALERTS, session.redis, session.keys)
  cleanups.push(() => queue.close())
  waiting = 17
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A webhook that answers the alerts of an opening with these statuses in turn, and everything else with 204. */
async function webhook(...statuses: number[]): Promise<{ url: string; posts: Post[]; delivered: Post[] }> {
  const posts: Post[] = []
  const delivered: Post[] = []
  const server: Server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const post = JSON.parse(Buffer.concat(parts).toString()) as Post
    expect(request.headers['content-type']).toBe('application/json')
    posts.push(post)
    const status = (post.type === 'incident.opened' ? statuses.shift() : null) ?? 204
    if (status < 300) delivered.push(post)
    response.writeHead(status).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=secret`,
    posts,
    delivered,
  }
}

/** The only channel, whatever its URL. */
const HOOK = 'hook'

function channelsTo(url: string | null): ChannelSettings[] {
  return url === null ? [] : [{ type: 'webhook', name: HOOK, url, secret: null }]
}

function startWorker(url: string | null): { close(): Promise<void> } {
  const worker = startAlertWorker({
    redis: session.redis,
    keys: session.keys,
    log: silent,
    channels: channelsTo(url),
  })
  cleanups.push(() => worker.close())
  return worker
}

const looks = { waiting: async () => waiting, costToFinish: async (requests: number) => requests / 2 }
const drain = (channels = [HOOK]) => drainOutbox(session.redis, session.keys, queue, looks, channels)

/** An incident, from its first hold to its end. */
async function openIncident(): Promise<void> {
  const { epoch } = await session.gate.read()
  await session.gate.hold(holdRequest({ epoch }))
}
async function resolveIncident(): Promise<void> {
  await session.gate.lift('*', 'person')
  const { epoch } = await session.gate.read()
  const report = aReport({ gateEpoch: epoch, answered: 1 })
  await askForLease(session.redis, session.keys, 0, report, {
    probeTimeoutMs: 1000,
    maxRatePerSecond: 100,
    horizonMs: 50,
    autoResume: true,
  })
}

/** On the log and on each channel. */
const settled = (count: number, channels = 1) =>
  eventually(`${count} alerts are delivered`, async () => {
    const { completed = 0, wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts()
    return completed === count * (1 + channels) && wait + active + delayed === 0
  })

/** Retries come after a second and more; the test does not wait for them. */
async function untilDelivered(count: number): Promise<void> {
  await eventually(`${count} alerts are delivered`, async () => {
    for (const job of await queue.getDelayed()) await job.promote().catch(() => undefined)
    return (await queue.getCompletedCount()) === 2 * count
  })
}

describe('what a process that was killed had still to tell', () => {
  it('is told by the next one, in order, and once', async () => {
    const hook = await webhook()
    await openIncident()
    await drain()
    await resolveIncident()
    for (let times = 0; times < 2; times++)
      await deliverLeft(session, { channels: channelsTo(hook.url), remindersMs: [] }, silent, () => {})
    expect(hook.delivered.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
    expect(await session.redis.hlen(session.keys.outbox)).toBe(0)
  })

  it('is told also when it died over the delivery', { timeout: 30_000 }, async () => {
    const hook = await webhook()
    await openIncident()
    await drain()
    const dead = new Worker(ALERTS, null, {
      connection: session.redis,
      prefix: session.keys.bullPrefix,
      lockDuration: 1000,
    })
    for (const token of ['one', 'other']) await dead.getNextJob(token)
    await dead.close()
    await deliverLeft(session, { channels: channelsTo(hook.url), remindersMs: [] }, silent, () => {})
    expect(hook.delivered.map(({ type }) => type)).toEqual(['incident.opened'])
  })
})

describe('an incident', () => {
  it('is told once when it opens and once when it is resolved, in this order', async () => {
    const hook = await webhook()
    startWorker(hook.url)
    await openIncident()
    expect(await drain()).toBe(1)
    await settled(1)
    await resolveIncident()
    expect(await drain()).toBe(1)
    await settled(2)
    expect(hook.posts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
    expect(await drain()).toBe(0)
    expect(await session.redis.exists(session.keys.outbox)).toBe(0)
  })

  it('is told in this order also when all alerts of several are due at once', async () => {
    const hook = await webhook()
    for (const _ of [1, 2, 3]) {
      await openIncident()
      await resolveIncident()
    }
    const inTime = (await session.gate.pastIncidents(3)).reverse().map(({ id }) => id)
    expect(await drain()).toBe(6)
    startWorker(hook.url)
    await settled(6)
    expect(hook.posts.map(({ type, incident }) => [incident, type])).toEqual(
      inTime.flatMap((id) => [
        [id, 'incident.opened'],
        [id, 'incident.resolved'],
      ]),
    )
  })

  it('is told with exactly these fields when it opens', async () => {
    const hook = await webhook()
    startWorker(hook.url)
    await openIncident()
    const { incident } = await session.gate.read()
    await drain()
    await settled(1)
    expect(hook.posts).toEqual([
      {
        type: 'incident.opened',
        id: `${incident?.id}-opened`,
        incident: incident?.id,
        queue: 'default',
        reason: 'credits',
        reasons: ['credits'],
        code: 'BILLING_INSUFFICIENT_FUNDS',
        message: 'Insufficient funds',
        requestId: 'req_abc123',
        since: new Date(incident?.openedAt ?? 0).toISOString(),
        waiting: 17,
        costToFinishCents: 8.5,
        link: 'https://conduit.im',
        command: 'conduit-batch resume',
        action: expect.stringContaining('conduit-batch resume'),
        resolvedAt: null,
        durationMs: null,
        endedBy: null,
      },
    ])
  })

  it('is told with the same fields, and with how it ended, when it is resolved', async () => {
    const hook = await webhook()
    await openIncident()
    await drain()
    await resolveIncident()
    waiting = 3
    await drain()
    startWorker(hook.url)
    await settled(2)
    const [past] = await session.gate.pastIncidents(1)
    const [opened, resolved] = hook.posts
    expect(resolved).toEqual({
      ...opened,
      type: 'incident.resolved',
      id: `${past?.id}-resolved`,
      reasons: [],
      waiting: 3,
      costToFinishCents: 1.5,
      action: 'Nothing: work goes on.',
      link: null,
      command: null,
      resolvedAt: new Date(past?.resolvedAt ?? 0).toISOString(),
      durationMs: (past?.resolvedAt ?? 0) - (past?.openedAt ?? 0),
      endedBy: 'person',
    })
  })

  it('notes in its record what waited when it was told, and about what that costs', async () => {
    await openIncident()
    await drain()
    waiting = 3
    await resolveIncident()
    await drain()
    expect(await session.gate.pastIncidents(1)).toMatchObject([{ waiting: 17, costToFinishCents: 8.5 }])
  })

  it('is reminded of with what waits by then, and with what holds it by then', async () => {
    const hook = await webhook()
    await openIncident()
    await session.gate.lift('credits', 'credits_seen')
    const refused = { reason: 'credentials', code: 'API_KEY_INVALID', epoch: 1 } as const
    await session.gate.hold(holdRequest(refused))
    await drain()
    await ageIncident(session.redis, session.keys, 3_600_000)
    waiting = 12
    expect(await tendIncident(session.redis, session.keys, DEFAULT_REMINDERS_MS)).toBe('reminded')
    const { incident } = await session.gate.read()
    await drain()
    startWorker(hook.url)
    await settled(2)
    expect(hook.posts).toMatchObject([
      { type: 'incident.opened', waiting: 17, reasons: ['credits'] },
      {
        type: 'incident.reminder',
        id: `${incident?.id}-reminder-1`,
        incident: incident?.id,
        reason: 'credits',
        reasons: ['credentials'],
        waiting: 12,
        action: expect.stringContaining(
          'Write another key to the key file (CONDUIT_API_KEY_FILE, or apiKeyFile',
        ),
        link: 'https://conduit.im/docs/authentication',
        command: 'conduit-batch resume',
        resolvedAt: null,
      },
    ])
  })

  it('is reminded of by a process with the alert role that comes hours later, once', async () => {
    const hook = await webhook()
    await openIncident()
    await drain()
    await ageIncident(session.redis, session.keys, 30 * 3_600_000)
    const role = startAlertRole(
      session,
      { channels: channelsTo(hook.url), remindersMs: DEFAULT_REMINDERS_MS },
      silent,
    )
    cleanups.push(() => role.close())
    for (let looks = 0; looks < 3; looks++) await role.enqueue()
    await settled(2)
    expect(hook.posts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.reminder'])
  })

  it('that ended because nothing waits says so', async () => {
    const hook = await webhook()
    await openIncident()
    await session.redis.del(session.keys.activeBatches)
    await session.gate.lift('*', 'person')
    await drain()
    startWorker(hook.url)
    await settled(2)
    expect(hook.posts[1]).toMatchObject({
      type: 'incident.resolved',
      action: 'Nothing: no request waits.',
      endedBy: 'person',
    })
  })

  it('is not told anew for failed probes, nor for a person who pauses', async () => {
    await session.gate.hold(personHold())
    expect(await drain()).toBe(0)
    await session.gate.lift('*', 'person')
    await openIncident()
    await drain()
    await session.gate.lift('*', 'person')
    await openIncident()
    expect(await drain()).toBe(0)
  })

  it('counts the requests of all active batches that have not ended as waiting', async () => {
    const batch = await testBatch(requests(20), {}, session)
    await testBatch(requests(5), {}, session)
    const ended = await testBatch(requests(7), {}, session)
    await session.store.end(ended.id, 'stopped', 'why')
    await Promise.all([0, 1, 2].map((index) => batch.record(index, answered(batch.place(index)))))
    expect(await session.store.waiting()).toBe(22)
  })
})

describe('a webhook that does not take an alert', () => {
  it('gets it again until it does, and then no more', async () => {
    const hook = await webhook(500, 500)
    startWorker(hook.url)
    await openIncident()
    await drain()
    await untilDelivered(1)
    expect(hook.posts).toHaveLength(3)
    expect(hook.delivered).toHaveLength(1)
    expect(new Set(hook.posts.map((post) => JSON.stringify(post))).size).toBe(1)
  })

  it('gets the alert before the all-clear, also when it refused the alert at first', async () => {
    const hook = await webhook(500, 500)
    startWorker(hook.url)
    await openIncident()
    await resolveIncident()
    await drain()
    await untilDelivered(2)
    expect(hook.delivered.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
  })

  it.each([301, 400, 404])('also when it answers %i', async (status) => {
    const hook = await webhook(status)
    startWorker(hook.url)
    await openIncident()
    await drain()
    await untilDelivered(1)
    expect(hook.posts).toHaveLength(2)
  })

  it('is never named in an error: its address may hold a secret', async () => {
    startWorker('http://127.0.0.1:1/hook?token=secret')
    await openIncident()
    await drain()
    await eventually('it failed once', async () => (await queue.getDelayedCount()) === 1)
    const [job] = await queue.getDelayed()
    expect(job?.failedReason).toContain("can't be reached")
    expect(JSON.stringify(job)).not.toMatch(/secret|127\.0\.0\.1/)
  })

  it('is not needed: without one alerts go to the log only', async () => {
    startWorker(null)
    await openIncident()
    await drain([])
    await settled(1, 0)
  })
})

describe('a crash', () => {
  /** The outbox as it was before it was drained. */
  async function drainAndCrash(): Promise<void> {
    const entries = await session.redis.hgetall(session.keys.outbox)
    await drain()
    await session.redis.hset(session.keys.outbox, entries)
  }

  it('between enqueueing and forgetting tells nothing twice', async () => {
    const hook = await webhook()
    await openIncident()
    await drainAndCrash()
    await drainAndCrash()
    await drain()
    startWorker(hook.url)
    await settled(1)
    expect(hook.posts).toHaveLength(1)
  })

  it('tells nothing twice either when the alert was delivered meanwhile', async () => {
    const hook = await webhook()
    startWorker(hook.url)
    await openIncident()
    await drainAndCrash()
    await settled(1)
    await drain()
    await resolveIncident()
    await drain()
    await settled(2)
    expect(hook.posts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
  })

  it('before enqueueing loses nothing: the alert is decided on in the step that holds the gate', async () => {
    const gate = testGate(session.redis)
    await gate.gate.hold(holdRequest())
    const alerts = openQueue(ALERTS, session.redis, gate.keys)
    expect(await drainOutbox(session.redis, gate.keys, alerts, looks, [])).toBe(1)
    expect(await alerts.getWaitingCount()).toBe(1)
    await alerts.close()
  })
})

it('is told once, however many processes drain the outbox and deliver', async () => {
  const hook = await webhook()
  await openIncident()
  await resolveIncident()
  await Promise.all([drain(), drain(), drain()])
  startWorker(hook.url)
  startWorker(hook.url)
  startWorker(hook.url)
  await settled(2)
  expect(hook.posts.map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved'])
})
