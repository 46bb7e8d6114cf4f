import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { readQueueSnapshot } from '../../src/batches/read-snapshot.js'
import type { Session } from '../../src/batches/session.js'
import { createFleet, type Fleet } from '../../src/completions/fleet.js'
import { countJobs } from '../../src/completions/queues.js'
import { askVerdicts } from '../../src/completions/record.js'
import type { RequestPlace } from '../../src/completions/request.js'
import { currentProcess, formatProcess } from '../../src/process-identity.js'
import { releaseDead } from '../../workers/completion-role.js'
import { requests } from '../support/batch-files.js'
import { silent, type TestBatch, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker } from '../support/completion-worker.js'
import { completion, type ScriptedConduit, scriptConduit } from '../support/conduit.js'
import { eventually } from '../support/eventually.js'
import { holdRequest } from '../support/gates.js'
import { waitingJobs } from '../support/jobs.js'
import { fixedPace, setPace } from '../support/pace.js'
import { uniquePrefix } from '../support/redis.js'

const SCRIPT = fileURLToPath(new URL('../support/worker-process.mjs', import.meta.url))
const ELSEWHERE = 'deadbeef-1-1'
const OURSELVES = formatProcess(currentProcess())

let keyPrefix: string
let session: Session
let fleet: Fleet
/** What the fleet's monotonic clock shows. */
let clockMs: number
let batch: TestBatch
let conduit: ScriptedConduit
let children: ChildProcess[] = []
beforeEach(async () => {
  keyPrefix = uniquePrefix()
  session = await testSession(keyPrefix)
  clockMs = 0
  fleet = fleetOf(OURSELVES)
  batch = await testBatch(requests(8), {}, session)
  await feedAll(batch)
  conduit = await scriptConduit()
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
})

function fleetOf(name: string, queue = session.completions): Fleet {
  return createFleet(session.redis, session.keys, queue, name, () => clockMs)
}

/** A fleet to which something happens once, after its look at the active jobs or just before it gives one back. */
function interruptedFleet(at: 'look' | 'give back', interruption: () => Promise<unknown>): Fleet {
  const queue = Object.create(session.completions) as Session['completions']
  let happened: Promise<unknown> | undefined
  const once = () => (happened ??= interruption())
  queue.getActive = async () => {
    const jobs = await session.completions.getActive()
    if (at === 'look') await once()
    for (const job of jobs) {
      const moveToWait = job.moveToWait.bind(job)
      job.moveToWait = (token) => once().then(() => moveToWait(token))
    }
    return jobs
  }
  return fleetOf(ELSEWHERE, queue)
}

/** Looks twice a second for so long, as housekeeping does; gives all that was released. */
async function lookFor(ms: number): Promise<readonly RequestPlace[]> {
  const released: RequestPlace[] = []
  for (const end = clockMs + ms; clockMs <= end; clockMs += 500) released.push(...(await fleet.releaseDead()))
  return released
}

const indexes = (places: readonly RequestPlace[]) => places.map(({ index }) => index).sort()

/** A real process with so many calls in flight. */
async function workerProcess(calls = 5): Promise<{ child: ChildProcess; name: string }> {
  const settings = { redisUrl: inject('redisUrl'), keyPrefix, baseUrl: conduit.baseUrl, concurrency: 5 }
  const child = spawn(execPath, [SCRIPT, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: env.PATH },
  })
  children.push(child)
  const [name] = (await once(child.stdout, 'data')) as [Buffer]
  await eventually(`${calls} calls are out`, () => conduit.calls.length === calls)
  return { child, name: name.toString().trim() }
}

async function signal(child: ChildProcess, name: 'SIGKILL'): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(name)
  await exited
}

const counts = () => countJobs(session.completions)
const ended = async () => {
  const { completed, failed } = (await session.store.marks(batch.id)) ?? { completed: 0, failed: 0 }
  return completed + failed
}

/** As if the worker had not been heard of for so long. */
async function lastHeard(name: string, agoMs: number): Promise<void> {
  const [seconds] = await session.redis.time()
  await session.redis.zadd(session.keys.workers, Number(seconds) * 1000 - agoMs, name)
}

describe('a worker process that was killed', () => {
  it('leaves calls that are counted as lost answers', async () => {
    const { child } = await workerProcess()
    await signal(child, 'SIGKILL')
    await releaseDead(session, fleet, silent)
    expect(await session.redis.hget(session.keys.batch(batch.id), 'maybeBilled')).toBe('5')
  })

  it('loses nothing: its jobs are given back at once, no attempt used, and another worker does them', async () => {
    const { child } = await workerProcess()
    expect(await counts()).toEqual({ waiting: 3, active: 5, delayed: 0 })
    await signal(child, 'SIGKILL')
    const released = await fleet.releaseDead()
    expect([...released].sort((a, b) => a.index - b.index)).toEqual(
      [0, 1, 2, 3, 4].map((index) => ({ ...batch.place(index), called: true, crashes: 1, ended: false })),
    )
    expect(await counts()).toEqual({ waiting: 8, active: 0, delayed: 0 })
    const waiting = await waitingJobs(session.completions)
    expect(waiting.map((job) => job.attemptsMade)).toEqual(Array(8).fill(0))
    expect(
      waiting
        .slice(0, 5)
        .map((job) => job.data.index)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4])
    expect(await session.redis.keys(session.completions.toKey('*:lock'))).toEqual([])
    const healthy = await scriptConduit(() => completion())
    await startTestWorker(session, { baseUrl: healthy.baseUrl })
    await eventually('all have ended', async () => (await ended()) === 8)
    expect(healthy.calls).toHaveLength(8)
  })

  it('is given up once, whoever looks and however often', async () => {
    const { child, name } = await workerProcess()
    await signal(child, 'SIGKILL')
    const other = fleetOf(ELSEWHERE)
    const released = await Promise.all([fleet.releaseDead(), other.releaseDead()])
    expect(indexes(released.flat())).toEqual([0, 1, 2, 3, 4])
    expect(await fleet.releaseDead()).toEqual([])
    expect(await session.redis.zscore(session.keys.workers, name)).toBeNull()
    expect(await counts()).toEqual({ waiting: 8, active: 0, delayed: 0 })
  })

  it.each(['look', 'give back'] as const)(
    'is given up once, though a live worker takes its jobs after a second %s',
    async (at) => {
      const { child } = await workerProcess()
      await signal(child, 'SIGKILL')
      const live = await scriptConduit()
      const slow = interruptedFleet(at, async () => {
        expect(await fleet.releaseDead()).toHaveLength(5)
        await startTestWorker(session, { baseUrl: live.baseUrl, concurrency: 8 })
        await eventually('the live worker has all jobs', () => live.calls.length === 8)
      })
      expect(await slow.releaseDead()).toEqual([])
      expect(await counts()).toEqual({ waiting: 0, active: 8, delayed: 0 })
      for (const call of live.calls) call.answer()
      await eventually('all have ended', async () => (await ended()) === 8)
      expect(live.calls).toHaveLength(8)
    },
  )

  it('gives up its probe too: a gate that has just opened does not wait minutes for it', async () => {
    await session.gate.hold(holdRequest())
    await session.gate.lift('credits', 'person')
    const { child } = await workerProcess(1)
    await signal(child, 'SIGKILL')
    expect((await fleet.releaseDead()).length).toBeGreaterThan(0)
    const healthy = await scriptConduit(() => completion())
    await startTestWorker(session, { baseUrl: healthy.baseUrl })
    await eventually('all have ended', async () => (await ended()) === 8)
  })

  it('gives up a job whose lock has run out meanwhile too, once', async () => {
    const { child } = await workerProcess()
    await signal(child, 'SIGKILL')
    await session.redis.del(session.completions.toKey(`${batch.id}-2-0:lock`))
    const released = await Promise.all([fleet.releaseDead(), fleetOf(ELSEWHERE).releaseDead()])
    expect(indexes(released.flat())).toEqual([0, 1, 2, 3, 4])
    expect(released.flat().map(({ called, crashes }) => called && crashes)).toEqual([1, 1, 1, 1, 1])
    expect(await counts()).toEqual({ waiting: 8, active: 0, delayed: 0 })
    expect(await session.redis.keys(session.completions.toKey('*:lock'))).toEqual([])
  })
})

describe('a request that was in flight when workers died', () => {
  const INDEXES = [0, 1, 2, 3, 4, 5, 6, 7]
  const jobKey = (index: number) => session.completions.toKey(`${batch.id}-${index}-0`)
  const fieldsOf = (index: number) => session.redis.hgetall(jobKey(index))
  const crashedBefore = (index: number, crashes: number) =>
    session.redis.hset(jobKey(index), 'crashes', crashes)

  it('is counted once for each crash, though two processes give it back at once', async () => {
    for (const crash of ['1', '2']) {
      const { child } = await workerProcess()
      await signal(child, 'SIGKILL')
      await Promise.all([fleet.releaseDead(), fleetOf(ELSEWHERE).releaseDead()])
      expect(await fieldsOf(0)).toMatchObject({ crashes: crash })
      conduit.calls.length = 0
    }
    expect(await fieldsOf(7)).not.toHaveProperty('crashes')
  })

  it('is a dead letter after the fifth, for its job to leave; from the third on it waits apart', async () => {
    const { child } = await workerProcess()
    await crashedBefore(0, 4)
    await crashedBefore(1, 3)
    await signal(child, 'SIGKILL')
    const released = await fleet.releaseDead()
    expect(released.filter(({ ended }) => ended)).toEqual([
      { ...batch.place(0), called: true, crashes: 5, ended: true },
    ])
    expect(await counts()).toEqual({ waiting: 7, active: 0, delayed: 1 })
    const [[, fields] = []] = await session.redis.xrange(session.keys.stream(batch.id), '-', '+')
    expect(JSON.parse(fields?.at(-1) ?? '')).toMatchObject({
      code: 'worker_crashed',
      attempts: 5,
      history: [],
      failure: { message: expect.stringMatching(/in flight in 5 crashes .* may be what makes them crash/) },
    })
    const healthy = await scriptConduit(() => completion())
    await startTestWorker(session, { baseUrl: healthy.baseUrl })
    await eventually('its job has left', async () => Object.keys(await fieldsOf(0)).length === 0)
    expect(healthy.calls.map(({ prompt }) => prompt)).not.toContain(conduit.calls[0]?.prompt)
  })

  it('is counted only if its call was let out since it was last started', async () => {
    await setPace(session, fixedPace(0.2))
    // Its last run had a call, and maybe the same token: BullMQ uses them again.
    const last = { called: 3, ats: 3, crashes: 2 }
    for (const index of INDEXES) await session.redis.hset(jobKey(index), last)
    const { child } = await workerProcess(1)
    await eventually('all are taken', async () => (await counts()).active === 5)
    await signal(child, 'SIGKILL')
    await releaseDead(session, fleet, silent)
    const out = conduit.calls.length
    const jobs = await Promise.all(INDEXES.map(fieldsOf))
    const crashes = jobs.map((fields) => fields.crashes)
    expect(out).toBeLessThan(5)
    expect(crashes.filter((count) => count === '3')).toHaveLength(out)
    expect(crashes.filter((count) => count === '2')).toHaveLength(8 - out)
    expect(await session.redis.hget(session.keys.batch(batch.id), 'maybeBilled')).toBe(String(out))
  })

  it('is not counted when its worker lives after all', async () => {
    await startTestWorker(session, { baseUrl: conduit.baseUrl, concurrency: 5, name: ELSEWHERE })
    await eventually('five calls are out', () => conduit.calls.length === 5)
    await lastHeard(ELSEWHERE, 0)
    await lookFor(6000)
    const crashOf = (await fieldsOf(0)).crashOf ?? ''
    const runs = [{ ...batch.place(0), token: crashOf }]
    expect(await askVerdicts(session.redis, session.keys, batch.id, runs)).toEqual(['lost'])
    expect(await fieldsOf(0)).toMatchObject({ crashes: '0' })
  })
})

describe('a worker process that lives', () => {
  it('is not touched, though its calls take long', async () => {
    await workerProcess()
    expect(await fleet.releaseDead()).toEqual([])
    expect(await counts()).toEqual({ waiting: 3, active: 5, delayed: 0 })
  })

  it('is not declared dead while it is stopped, however late it is: it is on this machine', async () => {
    const { child, name } = await workerProcess()
    child.kill('SIGSTOP')
    await lastHeard(name, 60_000)
    expect(await lookFor(30_000)).toEqual([])
    expect(await counts()).toEqual({ waiting: 3, active: 5, delayed: 0 })
    for (const call of conduit.calls) call.answer()
    child.kill('SIGCONT')
    await eventually('its answers are recorded', async () => (await ended()) >= 5)
    expect(conduit.calls.filter(({ prompt }) => /p-[1-5]$/.test(prompt))).toHaveLength(5)
  })
})

describe('a worker on another machine', () => {
  beforeEach(async () => {
    await startTestWorker(session, { baseUrl: conduit.baseUrl, concurrency: 5, name: ELSEWHERE })
    await eventually('five calls are out', () => conduit.calls.length === 5)
  })

  it('is dead when its heartbeat stood still for six seconds of looks, not before', async () => {
    await lastHeard(ELSEWHERE, 0)
    expect(await lookFor(5500)).toEqual([])
    expect(await counts()).toMatchObject({ active: 5 })
    expect(indexes(await fleet.releaseDead())).toEqual([0, 1, 2, 3, 4])
  })

  it('is forgotten by the first look that finds nothing of it any more', async () => {
    await lastHeard(ELSEWHERE, 0)
    expect(await lookFor(6000)).toHaveLength(5)
    expect(await session.redis.zscore(session.keys.workers, ELSEWHERE)).not.toBeNull()
    expect(await lookFor(0)).toEqual([])
    expect(await session.redis.zscore(session.keys.workers, ELSEWHERE)).toBeNull()
  })

  it('is not dead when Redis was away and it finds back later than we do', async () => {
    await lastHeard(ELSEWHERE, 0)
    expect(await lookFor(5500)).toEqual([])
    clockMs += 20_000
    expect(await lookFor(5500)).toEqual([])
    await lastHeard(ELSEWHERE, -1)
    expect(await lookFor(5500)).toEqual([])
    expect(await counts()).toMatchObject({ active: 5 })
  })

  it('is not dead however old its heartbeat is by the clock, as long as it moves', async () => {
    for (let time = 0; time < 3; time++) {
      await lastHeard(ELSEWHERE, 60_000 - time)
      expect(await lookFor(4500)).toEqual([])
    }
    expect(await counts()).toMatchObject({ active: 5 })
  })
})

describe('the workers of a queue', () => {
  it('are those whose heartbeat is fresh', async () => {
    const alive = async () => (await readQueueSnapshot(session)).workers
    await fleet.beat()
    await lastHeard(ELSEWHERE, 1000)
    await lastHeard('deadbeef-2-2', 10_000)
    expect(await alive()).toBe(2)
    await fleet.leave()
    expect(await alive()).toBe(1)
  })

  it('never give themselves up', async () => {
    fleet = fleetOf(ELSEWHERE)
    await lastHeard(ELSEWHERE, 60_000)
    await lookFor(10_000)
    expect(await session.redis.zscore(session.keys.workers, ELSEWHERE)).not.toBeNull()
  })
})
