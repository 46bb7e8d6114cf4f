import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { env, execPath } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Queue } from 'bullmq'
import { expect, inject, it, onTestFinished } from 'vitest'
import { askForLease } from '../../src/admission/lease.js'
import { ALERTS } from '../../src/alerts/outbox.js'
import type { Session } from '../../src/batches/session.js'
import { openQueue } from '../../src/completions/queues.js'
import { testSession } from '../support/batches.js'
import { eventually } from '../support/eventually.js'
import { aReport, holdRequest } from '../support/gates.js'
import { type ReceivedAlert, receiveAlerts } from '../support/receivers.js'
import { uniquePrefix } from '../support/redis.js'

const PROCESS = fileURLToPath(new URL('../support/alert-process.mjs', import.meta.url))
const KILLS = 3
/** An incident opens, and is over, within about as long as its alerts take. */
const LONGEST_MS = 30

it('an alert worker that is killed at any moment loses no alert, and repeats one at most', async () => {
  const keyPrefix = uniquePrefix()
  const session = await testSession(keyPrefix)
  await session.redis.sadd(session.keys.activeBatches, 'b1')
  const queue = openQueue(ALERTS, session.redis, session.keys)
  onTestFinished(() => queue.close())
  const { url, alerts } = await receiveAlerts()
  const start = () =>
    startProcess({
      redisUrl: inject('redisUrl'),
      keyPrefix,
      channels: [{ type: 'webhook', name: 'hook', url, secret: null }],
    })

  // Loading them is what takes most of the time, and goes side by side.
  const [last, ...workers] = await Promise.all(Array.from({ length: KILLS + 1 }, start))
  for (const worker of workers) {
    worker.stdin?.write('go\n')
    await untilTold(queue, session)
    await openIncident(session)
    await delay(Math.random() * LONGEST_MS)
    await resolveIncident(session)
    await delay(Math.random() * LONGEST_MS)
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    await giveBack(queue, session)
  }
  last?.stdin?.write('go\n')
  await untilTold(queue, session)

  const incidents = (await session.gate.pastIncidents(100)).map(({ id }) => id)
  expect(incidents).toHaveLength(KILLS)
  const told = [...new Set(alerts.map(({ id }) => String(id)))]
  expect(told.toSorted()).toEqual(incidents.flatMap((id) => [`${id}-opened`, `${id}-resolved`]).toSorted())
  expect(alerts.length - told.length).toBeLessThanOrEqual(KILLS)
  for (const id of incidents)
    expect(firstOf(alerts, `${id}-opened`)).toBeLessThan(firstOf(alerts, `${id}-resolved`))
})

function firstOf(alerts: readonly ReceivedAlert[], id: string): number {
  return alerts.findIndex((alert) => alert.id === id)
}

async function startProcess(settings: object): Promise<ChildProcess> {
  const child = spawn(execPath, [PROCESS, JSON.stringify(settings)], {
    env: { PATH: env.PATH },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

async function openIncident({ gate }: Session): Promise<void> {
  const { epoch } = await gate.read()
  expect(await gate.hold(holdRequest({ epoch }))).toBe('placed')
}

async function resolveIncident({ gate, redis, keys }: Session): Promise<void> {
  await gate.lift('*', 'person')
  const { epoch } = await gate.read()
  const report = aReport({ gateEpoch: epoch, answered: 1 })
  await askForLease(redis, keys, 0, report, {
    probeTimeoutMs: 1000,
    maxRatePerSecond: 100,
    horizonMs: 50,
    autoResume: true,
  })
}

/** BullMQ gives jobs of a dead worker back once their locks are over; the test does not wait for that. */
async function giveBack(queue: Queue, { redis }: Session): Promise<void> {
  for (const job of await queue.getActive()) {
    const token = await redis.get(`${queue.toKey(String(job.id))}:lock`)
    if (token !== null) await job.moveToWait(token)
  }
}

/** Everything is delivered; retries and all-clears that came too early are not waited for. */
async function untilTold(queue: Queue, { redis, keys }: Session): Promise<void> {
  await eventually('every alert is delivered', async () => {
    for (const job of await queue.getDelayed()) await job.promote().catch(() => undefined)
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed')
    return wait + active + delayed + (await redis.hlen(keys.outbox)) === 0
  })
}
