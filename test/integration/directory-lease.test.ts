import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDirectoryLease, type DirectoryLease } from '../../src/batches/lease.js'
import { currentProcess, formatProcess, processWithPid } from '../../src/process-identity.js'
import { type QueueKeys, queueKeys } from '../../src/redis/keys.js'
import { connectForTest, uniquePrefix } from '../support/redis.js'

const ELSEWHERE = 'deadbeef-1-1'

let redis: Redis
let keys: QueueKeys
let child: ChildProcess | undefined
beforeAll(async () => {
  redis = await connectForTest()
})
beforeEach(() => {
  keys = queueKeys(uniquePrefix(), 'default')
})
afterEach(() => {
  child?.kill('SIGKILL')
})

const leaseOf = (holder = formatProcess(currentProcess())): DirectoryLease =>
  createDirectoryLease(redis, keys, 'directory', holder)

/** A process of this machine, and its name. */
async function someProcess(): Promise<{ name: string; kill(): Promise<void> }> {
  const process = spawn('sleep', ['60'], { stdio: 'ignore' })
  child = process
  await once(process, 'spawn')
  const identity = processWithPid(process.pid ?? 0)
  if (identity === null) throw new Error('it has ended')
  return {
    name: formatProcess(identity),
    async kill() {
      const exited = once(process, 'exit')
      process.kill('SIGKILL')
      await exited
    },
  }
}

describe('the lease on a data directory', () => {
  it('is held by one process at a time', async () => {
    const [mine, other] = [leaseOf(), leaseOf(ELSEWHERE)]
    expect(await mine.hold()).toBe(true)
    expect(await other.hold()).toBe(false)
    expect(other.token).toBe('')
    expect(mine.token).toBe(await redis.get(keys.lease('directory')))
  })

  it('is taken by one of many that come at once', async () => {
    const taken = await Promise.all([...Array(20)].map((_, n) => leaseOf(`deadbeef-${n + 1}-1`).hold()))
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  it('is another one when it is taken from a Redis that has lost everything: old fences must not fit', async () => {
    const mine = leaseOf()
    await mine.hold()
    const before = mine.token
    await redis.del(keys.lease('directory'), `${keys.lease('directory')}:count`)
    expect(await mine.hold()).toBe(true)
    expect(mine.token).not.toBe(before)
  })

  it('stays the same when it is renewed, and does not run out meanwhile', async () => {
    const mine = leaseOf()
    await mine.hold()
    const { token } = mine
    await redis.pexpire(keys.lease('directory'), 3000)
    expect(await mine.hold()).toBe(true)
    expect(mine.token).toBe(token)
    expect(await redis.pttl(keys.lease('directory'))).toBeGreaterThan(5000)
  })

  it('is sure for five seconds after it was confirmed, by a clock that nobody sets; a process that stood still is not', async () => {
    let nowMs = 0
    const mine = createDirectoryLease(redis, keys, 'directory', ELSEWHERE, () => nowMs)
    expect(mine.isSure).toBe(false)
    await mine.hold()
    nowMs = 4999
    expect(mine.isSure).toBe(true)
    nowMs = 5000
    expect(mine.isSure).toBe(false)
    await mine.hold()
    expect(mine.isSure).toBe(true)
    await mine.release()
    expect(mine.isSure).toBe(false)
  })

  it('can be taken when it has run out: then it is another one, also for the same process', async () => {
    const [mine, other] = [leaseOf(), leaseOf(ELSEWHERE)]
    await mine.hold()
    const { token } = mine
    await redis.del(keys.lease('directory'))
    expect(await other.hold()).toBe(true)
    expect(await mine.hold()).toBe(false)
    expect(mine.token).toBe('')
    await other.release()
    expect(await mine.hold()).toBe(true)
    expect(mine.token).not.toBe(token)
  })

  it('is taken once by renewals that all waited for a Redis that stood still: the others know what the first took', async () => {
    const lease = leaseOf(ELSEWHERE)
    await lease.hold()
    await redis.del(keys.lease('directory'))
    expect(await Promise.all([lease.hold(), lease.hold(), lease.hold()])).toEqual([true, true, true])
    expect(lease.token).toBe(await redis.get(keys.lease('directory')))
  })

  it('is given free at once by release, but only by its holder', async () => {
    const [mine, other] = [leaseOf(), leaseOf(ELSEWHERE)]
    await mine.hold()
    await other.release()
    expect(await other.hold()).toBe(false)
    await mine.release()
    expect(mine.token).toBe('')
    expect(await other.hold()).toBe(true)
    await mine.release()
    expect(await leaseOf().hold()).toBe(false)
  })

  it('of a process that died on this machine is taken at once', async () => {
    const holder = await someProcess()
    expect(await leaseOf(holder.name).hold()).toBe(true)
    expect(await leaseOf().hold()).toBe(false)
    await holder.kill()
    expect(await leaseOf().hold()).toBe(true)
  })

  it('of a process that stands still on this machine is not: it lives', async () => {
    const holder = await someProcess()
    await leaseOf(holder.name).hold()
    child?.kill('SIGSTOP')
    expect(await leaseOf().hold()).toBe(false)
  })

  it('of a process on another machine runs out only with time', async () => {
    await leaseOf(ELSEWHERE).hold()
    expect(await leaseOf().hold()).toBe(false)
    expect(await redis.pttl(keys.lease('directory'))).toBeLessThanOrEqual(10_000)
  })

  it('of one directory says nothing of another', async () => {
    await leaseOf(ELSEWHERE).hold()
    expect(await createDirectoryLease(redis, keys, 'another', ELSEWHERE).hold()).toBe(true)
  })
})
