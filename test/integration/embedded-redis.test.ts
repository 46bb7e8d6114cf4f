import {
  chmod,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  currentProcess,
  formatProcess,
  isAlive,
  parseProcess,
  processWithPid,
} from '../../src/process-identity.js'
import { RedisNotInstalled, RedisStartFailed, UnsafeSocketDirectory } from '../../src/redis/server/errors.js'
import { joinServer, type ServerMembership } from '../../src/redis/server/join.js'
import { withLock } from '../../src/redis/server/lock.js'
import { isGone } from '../../src/redis/server/presence.js'
import { type EmbeddedClient, killEmbeddedClients, startEmbeddedClient } from '../support/embedded-client.js'
import { eventually } from '../support/eventually.js'
import { serverBinary } from '../support/private-redis.js'

const onLinux = process.platform === 'linux'

let base: string
let dataDir: string
let opened: Redis[]

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'cb-'))
  dataDir = join(base, 'data')
  opened = []
})

afterEach(async () => {
  killEmbeddedClients()
  for (const redis of opened) redis.disconnect()
  await endServer()
  await rm(base, { recursive: true, force: true })
})

/** Which process the server of the data directory is; null when none was started or it was stopped. */
async function serverProcess(directory = dataDir) {
  const text = await readFile(join(directory, 'redis', 'server.json'), 'utf8').catch(() => null)
  return text === null ? null : parseProcess(JSON.parse(text).process)
}

/** The pids of all servers that were ever started in the data directory, by their common log. */
async function startedPids(): Promise<number[]> {
  const log = await readFile(join(dataDir, 'redis', 'redis.log'), 'utf8').catch(() => '')
  return [...log.matchAll(/pid=(\d+), just started/g)].map(([, pid]) => Number(pid))
}

async function endServer(): Promise<void> {
  for (const pid of await startedPids()) {
    if (processWithPid(pid) === null) continue
    process.kill(pid, 'SIGKILL')
    await eventually('the server is gone', () => processWithPid(pid) === null)
  }
}

function startSix(): Promise<EmbeddedClient[]> {
  return Promise.all(Array.from({ length: 6 }, () => startEmbeddedClient(dataDir)))
}

async function killServer(): Promise<void> {
  expect(await isServerAlive()).toBe(true)
  await endServer()
}

async function isServerAlive(): Promise<boolean> {
  const server = await serverProcess()
  return server !== null && isAlive(server)
}

function joinHere(options: { binary?: string } = {}): Promise<ServerMembership> {
  return joinServer({ dataDir, searchPath: process.env.PATH, ...options })
}

function open(socketPath: string): Redis {
  const redis = new Redis({ path: socketPath, maxRetriesPerRequest: null })
  redis.on('error', () => undefined)
  opened.push(redis)
  return redis
}

/** A program that runs the server with more arguments, or does something else. */
async function script(name: string, text: string): Promise<string> {
  const path = join(base, name)
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
  return path
}

describe.skipIf(serverBinary === null)('the private server (needs redis-server or valkey-server)', () => {
  test('is durable, evicts nothing, and can be reached by its owner only', async () => {
    const member = await joinHere()
    expect(member.started).toBe(true)
    const redis = open(member.socketPath)
    const setting = async (name: string) => (await redis.config('GET', name)) as unknown
    expect(await setting('appendonly')).toEqual(['appendonly', 'yes'])
    expect(await setting('appendfsync')).toEqual(['appendfsync', 'everysec'])
    expect(await setting('save')).toEqual(['save', ''])
    expect(await setting('maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
    expect(await setting('port')).toEqual(['port', '0'])
    expect((await stat(member.socketPath)).mode & 0o777).toBe(0o700)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dataDir, 'redis'))).mode & 0o777).toBe(0o700)
    await member.leave()
  })

  test('is gone, with its socket, when its only client has left, and the data is back at the next join', async () => {
    const first = await joinHere()
    await open(first.socketPath).set('kept', 'yes')
    const server = await serverProcess()
    await first.leave()
    expect(server !== null && isAlive(server)).toBe(false)
    expect(await readdir(join(dataDir, 'redis'))).not.toContain('redis.sock')
    expect(await readdir(join(dataDir, 'redis', 'clients'))).toEqual([])

    const second = await joinHere()
    expect(second.started).toBe(true)
    expect(await open(second.socketPath).get('kept')).toBe('yes')
    await second.leave()
  })

  test('runs until the last client has left, also within one process, and leaving twice counts once', async () => {
    const first = await joinHere()
    const second = await joinHere()
    expect(second).toMatchObject({ started: false, socketPath: first.socketPath })
    await Promise.all([first.leave(), first.leave()])
    await first.leave()
    expect(await isServerAlive()).toBe(true)
    await second.leave()
    expect(await isServerAlive()).toBe(false)
  })

  test('is one for six processes that join at once, and none when they have left at once', async () => {
    const clients = await startSix()
    const joined = await Promise.all(clients.map((client) => client.join()))
    expect(joined.filter(({ started }) => started)).toHaveLength(1)
    expect(await startedPids()).toHaveLength(1)
    expect(new Set(joined.map(({ socketPath }) => socketPath)).size).toBe(1)
    const server = await serverProcess()
    expect(server !== null && isAlive(server)).toBe(true)

    await Promise.all(clients.map((client) => client.leave()))
    expect(server !== null && isAlive(server)).toBe(false)
  })

  test('loses nothing while six processes join and leave at random, behind the lock of a dead one', async () => {
    await mkdir(join(dataDir, 'redis'), { recursive: true })
    await symlink(
      `${formatProcess({ ...currentProcess(), startedAt: '1' })}.dead`,
      join(dataDir, 'redis', 'lock'),
    )
    const clients = await startSix()
    await Promise.all(clients.map((client) => client.churn(5)))
    expect(await isServerAlive()).toBe(false)

    const member = await joinHere()
    expect(await open(member.socketPath).get('churned')).toBe('30')
    await member.leave()
  })

  test('outlives a client that was killed, is found by the next, and stops with it', async () => {
    const client = await startEmbeddedClient(dataDir)
    await client.join()
    const server = await serverProcess()
    await client.kill()
    expect(await isServerAlive()).toBe(true)

    const next = await joinHere()
    expect(next.started).toBe(false)
    expect(await serverProcess()).toEqual(server)
    await next.leave()
    expect(server !== null && isAlive(server)).toBe(false)
  })

  test('does not hear the Ctrl-C that ends its client', async () => {
    const client = await startEmbeddedClient(dataDir)
    const { socketPath } = await client.join()
    const redis = open(socketPath)
    await redis.set('kept', 'yes')
    await client.interrupt()
    const server = await serverProcess()
    // It leads a process group of its own: signal 0 to that group finds it.
    expect(process.kill(-(server?.pid ?? 0), 0)).toBe(true)
    expect(await redis.get('kept')).toBe('yes')
  })

  test.runIf(onLinux)('has nothing of the environment of its client, where the API key is', async () => {
    const client = await startEmbeddedClient(dataDir)
    await client.join()
    const server = await serverProcess()
    expect(await readFile(`/proc/${client.pid}/environ`, 'utf8')).toContain('sk-must-stay-here')
    expect(await readFile(`/proc/${server?.pid}/environ`, 'utf8')).toBe('')
    await client.leave()
  })

  test('is started again behind its stale socket when it was killed, with all it had acknowledged', async () => {
    const client = await startEmbeddedClient(dataDir)
    const { socketPath } = await client.join()
    const redis = open(socketPath)
    await redis.set('acknowledged', 'before the kill')
    redis.disconnect()
    await client.kill()
    await killServer()
    expect((await stat(socketPath)).isSocket()).toBe(true)

    const next = await joinHere()
    expect(next.started).toBe(true)
    expect(await open(next.socketPath).get('acknowledged')).toBe('before the kill')
    await next.leave()
  })

  test('comes back by itself when it is killed under its clients', async () => {
    const [one, other] = [await joinHere(), await startEmbeddedClient(dataDir)]
    await other.join()
    const redis = open(one.socketPath)
    await redis.set('acknowledged', 'before the kill')
    const before = await serverProcess()
    await killServer()

    expect(await redis.get('acknowledged')).toBe('before the kill')
    const after = await serverProcess()
    expect(after?.pid).not.toBe(before?.pid)
    await Promise.all([one.leave(), other.leave()])
    await eventually('it has stopped', () => after !== null && !isAlive(after))
  })

  test('is replaced, not doubled, when somebody has deleted its socket', async () => {
    const client = await startEmbeddedClient(dataDir)
    const { socketPath } = await client.join()
    await open(socketPath).set('kept', 'yes')
    const before = await serverProcess()
    await client.kill()
    await rm(socketPath)

    const next = await joinHere()
    expect(next.started).toBe(true)
    expect(before !== null && isAlive(before)).toBe(false)
    expect(await open(next.socketPath).get('kept')).toBe('yes')
    await next.leave()
  })

  test('is waited for while it is stopped, and not doubled', async () => {
    const first = await joinHere()
    const server = await serverProcess()
    process.kill(server?.pid ?? 0, 'SIGSTOP')
    let joined = false
    const joining = joinHere().finally(() => {
      joined = true
    })
    // Its client file shows that it has begun.
    const clients = () => readdir(join(dataDir, 'redis', 'clients'))
    await eventually('it has begun', async () => (await clients()).length === 2)
    expect(joined).toBe(false)
    process.kill(server?.pid ?? 0, 'SIGCONT')
    const second = await joining
    expect(second.started).toBe(false)
    expect(await serverProcess()).toEqual(server)
    await Promise.all([first.leave(), second.leave()])
  })

  test('is waited for while it loads its data', async () => {
    const first = await joinHere()
    const redis = open(first.socketPath)
    await redis.eval("for i = 1, 20000 do redis.call('SET', 'key:' .. i, i) end", 0)
    await first.leave()

    // 50 microseconds a key: a second of loading.
    const slow = await script('slow', `exec ${serverBinary} "$@" --key-load-delay 50`)
    const second = await joinHere({ binary: slow })
    expect(await readFile(join(dataDir, 'redis', 'redis.log'), 'utf8')).toMatch(
      /DB loaded from .*: [1-9][.\d]* sec/,
    )
    expect(await open(second.socketPath).dbsize()).toBe(20_000)
    await second.leave()
  })

  test('has a short socket path, the same for every client, when the data directory is deep', async () => {
    dataDir = join(base, 'd'.repeat(60), 'e'.repeat(60))
    const [one, other] = await Promise.all([joinHere(), joinHere()])
    expect([one.started, other.started].toSorted()).toEqual([false, true])
    expect(Buffer.byteLength(one.socketPath)).toBeLessThanOrEqual(100)
    expect(other.socketPath).toBe(one.socketPath)
    expect((await stat(dirname(one.socketPath))).mode & 0o777).toBe(0o700)
    expect(await open(one.socketPath).ping()).toBe('PONG')
    await Promise.all([one.leave(), other.leave()])
    expect(await isServerAlive()).toBe(false)
  })

  test('is the same by every name of the data directory', async () => {
    const member = await joinHere()
    await symlink(dataDir, join(base, 'alias'))
    const other = await joinServer({ dataDir: join(base, 'alias'), searchPath: process.env.PATH })
    expect(other.started).toBe(false)
    await member.leave()
    await other.leave()
  })
})

describe('a server that can not be had', () => {
  test('is not installed: says what to type on each system', async () => {
    const joining = joinServer({ dataDir, searchPath: base })
    await expect(joining).rejects.toThrow(RedisNotInstalled)
    await expect(joining).rejects.toThrow(
      /apt-get install -y redis-server[\s\S]*brew install redis[\s\S]*docker run[\s\S]*REDIS_URL=/,
    )
    expect(await readdir(join(dataDir, 'redis', 'clients'))).toEqual([])
  })

  test('ends at its start: shows the last lines that it wrote', async () => {
    const binary = await script(
      'broken',
      'echo one; echo "Bad file format reading the append only file"; exit 1',
    )
    const joining = joinHere({ binary })
    await expect(joining).rejects.toThrow(RedisStartFailed)
    await expect(joining).rejects.toThrow(/redis\.log ends with:\none\nBad file format/)
  })

  test('can not be run at all', async () => {
    await expect(joinHere({ binary: join(base, 'absent') })).rejects.toThrow(/could not be run .*ENOENT/)
  })

  test('has only a socket directory that others can enter', async () => {
    vi.stubEnv('TMPDIR', base)
    dataDir = join(base, 'd'.repeat(60), 'e'.repeat(60))
    const shared = join(base, `conduit-batch-${process.getuid?.()}`)
    await mkdir(shared)
    await chmod(shared, 0o755)
    await expect(joinHere()).rejects.toThrow(UnsafeSocketDirectory)
    vi.unstubAllEnvs()
  })
})

describe('the lock', () => {
  test('of a dead process is taken over by exactly one of many', async () => {
    const path = join(base, 'lock')
    await symlink(`${formatProcess({ ...currentProcess(), startedAt: '1' })}.dead`, path)
    let [inside, most, done] = [0, 0, 0]
    const work = async (): Promise<void> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise(setImmediate)
      inside -= 1
      done += 1
    }
    await Promise.all(Array.from({ length: 20 }, () => withLock(path, work)))
    expect({ most, done }).toEqual({ most: 1, done: 20 })
    expect(await readdir(base)).toEqual([])
  })

  test('is taken over also when somebody died while taking it over', async () => {
    const dead = `${formatProcess({ ...currentProcess(), startedAt: '1' })}.dead`
    await symlink(dead, join(base, 'lock'))
    await symlink(dead, join(base, 'lock.takeover'))
    expect(await withLock(join(base, 'lock'), async () => 'done')).toBe('done')
    expect(await readdir(base)).toEqual([])
  })

  test('of a process in another container holds as long as it is touched', async () => {
    const elsewhere = { ...currentProcess(), host: '00000000' }
    expect(isGone(elsewhere, Date.now() - 30_000)).toBe(false)
    expect(isGone(elsewhere, Date.now() - 90_000)).toBe(true)

    const path = join(base, 'lock')
    await symlink(`${formatProcess(elsewhere)}.elsewhere`, path)
    const longAgo = new Date(Date.now() - 90_000)
    await lutimes(path, longAgo, longAgo)
    expect(await withLock(path, async () => 'done')).toBe('done')
  })

  test('is released when the work fails', async () => {
    const path = join(base, 'lock')
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await readdir(base)).toEqual([])
  })
})
