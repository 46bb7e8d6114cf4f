import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { env, execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { openCollector } from '../../src/batches/collector.js'
import { partialName } from '../../src/batches/publish.js'
import { revisionPaths } from '../../src/batches/revision.js'
import type { Session } from '../../src/batches/session.js'
import { createFleet } from '../../src/completions/fleet.js'
import { currentProcess, formatProcess } from '../../src/process-identity.js'
import { requests } from '../support/batch-files.js'
import { leaseOn, testBatch, testSession } from '../support/batches.js'
import { feedAll, startTestWorker } from '../support/completion-worker.js'
import { scriptConduit } from '../support/conduit.js'
import { answered } from '../support/endings.js'
import { eventually } from '../support/eventually.js'
import { fixedPace, raisePace, setPace } from '../support/pace.js'
import { uniquePrefix } from '../support/redis.js'

const ELSEWHERE = 'deadbeef-1-1'

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

/** A script of test/support as a process; gives what it prints. */
function start(script: string, settings: object): { readonly child: ChildProcess; output(): string } {
  const path = fileURLToPath(new URL(`../support/${script}`, import.meta.url))
  const started = spawn(execPath, [path, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: env.PATH },
  })
  child = started
  let text = ''
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (part: Buffer) => {
      text += part.toString()
    })
  }
  return { child: started, output: () => text }
}

async function isStopped({ pid }: ChildProcess): Promise<boolean> {
  return /\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))
}

/** Looks at the workers as another machine does, for longer than any of them may be silent. */
async function lookLong({ redis, keys, completions }: Session): Promise<number> {
  let clockMs = 0
  const fleet = createFleet(redis, keys, completions, formatProcess(currentProcess()), () => clockMs)
  let released = 0
  for (; clockMs <= 6500; clockMs += 500) released += (await fleet.releaseDead()).length
  return released
}

describe('a completion worker that stood still until its jobs had been given back and run elsewhere', () => {
  it('changes nothing and pays for nothing, and then works on', async () => {
    const keyPrefix = uniquePrefix()
    const session = await testSession(keyPrefix)
    const batch = await testBatch(requests(8), {}, session)
    await feedAll(batch)
    // So slow that most of its jobs wait for their permits.
    await setPace(session, fixedPace(2))
    const conduit = await scriptConduit()
    const { child: worker, output } = start('worker-process.mjs', {
      redisUrl: inject('redisUrl'),
      keyPrefix,
      baseUrl: conduit.baseUrl,
      concurrency: 8,
      name: ELSEWHERE,
    })
    await eventually('all jobs are with it', async () => (await session.completions.getActiveCount()) === 8)
    await eventually('a call is out', () => conduit.calls.length > 0)
    worker.kill('SIGSTOP')
    await eventually('it stands still', () => isStopped(worker))
    const paid = conduit.calls.length
    expect(paid).toBeLessThan(8)
    expect(await lookLong(session)).toBe(8)

    await raisePace(session)
    const elsewhere = await scriptConduit()
    await startTestWorker(session, { baseUrl: elsewhere.baseUrl, concurrency: 8 })
    await eventually('all run elsewhere', () => elsewhere.calls.length === 8)

    for (const call of conduit.calls) call.answer()
    worker.kill('SIGCONT')
    const marker = await testBatch(requests(1), {}, session)
    await feedAll(marker)
    await eventually('it works on', () => conduit.calls.length > paid)
    conduit.calls.at(-1)?.answer()
    await eventually('its answer is there', async () => {
      return (await session.store.marks(marker.id))?.completed === 1
    })
    expect(conduit.calls).toHaveLength(paid + 1)
    // What it had paid for counts, once; the calls elsewhere bring the rest.
    const ended = async () => (await session.store.marks(batch.id))?.completed
    expect(await ended()).toBe(paid)
    expect(await session.completions.getActiveCount()).toBe(8)
    for (const call of elsewhere.calls) call.answer()
    await eventually('all have ended', async () => (await ended()) === 8)
    expect(await session.redis.xlen(session.keys.stream(batch.id))).toBe(8)
    const batchFields = await session.redis.hgetall(session.keys.batch(batch.id))
    expect(batchFields).toMatchObject({ completed: '8', failed: '0', total_tokens: '24' })
    await eventually('nothing is left of the jobs', async () => {
      return (await session.redis.keys(session.completions.toKey(`${batch.id}-*`))).length === 0
    })
    await eventually('it is heard of again', async () => {
      return (await session.redis.zscore(session.keys.workers, ELSEWHERE)) !== null
    })
    expect(output()).toBe(`${ELSEWHERE}\n`)
  })
})

describe('a collector that stood still between reading and writing, and was taken over from', () => {
  it('writes where nobody reads: the files of its successor stay whole', async () => {
    const keyPrefix = uniquePrefix()
    const session = await testSession(keyPrefix)
    const { redis, keys } = session
    const batch = await testBatch(requests(10), {}, session)
    const { directory, id, manifest, paths, deps } = batch
    await batch.lease.release()
    for (const index of [0, 1, 2]) await batch.record(index, answered(batch.place(index)))
    const { child: zombie, output } = start('collector-process.mjs', {
      redisUrl: inject('redisUrl'),
      keyPrefix,
      dataDirectory: directory.path,
      batch: id,
    })
    const died = () => (zombie.exitCode === null ? null : output())
    await eventually('it stops before its first write', () => isStopped(zombie), { hopeless: died })

    // Redis lost the last answers, and they came again: other bytes at the same place.
    await redis.del(keys.stream(id), keys.done(id))
    await redis.hset(keys.batch(id), 'completed', 0)
    await redis.del(keys.lease(directory.id))
    const lease = leaseOn(session, directory)
    expect(await lease.hold()).toBe(true)
    const collector = await openCollector(
      { batch: id, directory: paths.directory, output: manifest.output, errors: manifest.errors },
      { ...deps, leaseToken: () => lease.token },
    )
    const lines: string[] = []
    const collect = async (index: number, text: string) => {
      const ending = answered(batch.place(index), text)
      lines.push(ending.line)
      await batch.record(index, ending)
      await collector.collect()
    }
    await collect(5, 'a longer answer than any that was lost')
    await collect(2, 'another one')

    const ended = once(zombie, 'exit')
    zombie.kill('SIGCONT')
    await ended
    expect(output()).toBe('lease_lost\n')
    await collect(1, 'the last one')
    await collector.close()

    const marks = await session.store.marks(id)
    const { results } = revisionPaths(paths.directory, marks?.revision ?? 0)
    expect(await readFile(results, 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''))
    expect(marks).toMatchObject({ collected: 3, completed: 3, resultsBytes: (await stat(results)).size })
    expect((await stat(partialName(manifest.output))).ino).toBe((await stat(results)).ino)
    expect((await readdir(paths.directory)).filter((name) => name.startsWith('writer.'))).toEqual([])
  })
})
