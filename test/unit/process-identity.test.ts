import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  currentProcess,
  formatProcess,
  isAlive,
  isSameHost,
  parseProcess,
  processWithPid,
} from '../../src/process-identity.js'
import { eventually } from '../support/eventually.js'

const identities = fc.record({
  host: fc.stringMatching(/^[0-9a-f]{8}$/),
  pid: fc.integer({ min: 1, max: 4_194_304 }),
  startedAt: fc.stringMatching(/^\d{1,12}$/),
})

describe('the identity of a process', () => {
  test('is written with a-z, 0-9 and "-" and read back the same', () => {
    fc.assert(
      fc.property(identities, (identity) => {
        expect(formatProcess(identity)).toMatch(/^[a-z0-9-]+$/)
        expect(parseProcess(formatProcess(identity))).toEqual(identity)
      }),
    )
  })

  test('is not read from anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const identity = parseProcess(text)
        if (identity !== null) expect(formatProcess(identity)).toBe(text)
      }),
    )
    for (const text of ['', 'x', '0123abcd-0-1', '0123abcd-7-', '0123abcd-7-1.2']) {
      expect(parseProcess(text)).toBeNull()
    }
  })

  test('of this process is alive here, and the same each time', () => {
    expect(currentProcess()).toEqual(currentProcess())
    expect(currentProcess().pid).toBe(process.pid)
    expect(isSameHost(currentProcess())).toBe(true)
    expect(isAlive(currentProcess())).toBe(true)
  })

  test('with the same pid and another start is not alive: the pid was recycled', () => {
    expect(isAlive({ ...currentProcess(), startedAt: '1' })).toBe(false)
  })

  test('of another host is neither here nor known to be alive', () => {
    const elsewhere = { ...currentProcess(), host: '00000000' }
    expect(isSameHost(elsewhere)).toBe(false)
    expect(isAlive(elsewhere)).toBe(false)
  })

  test('of a process that ended is not alive', async () => {
    const child = spawn('sleep', ['60'])
    const identity = processWithPid(child.pid ?? 0)
    expect(identity !== null && isAlive(identity)).toBe(true)
    child.kill()
    await once(child, 'exit')
    expect(identity !== null && isAlive(identity)).toBe(false)
  })

  test.runIf(process.platform === 'linux')('of a zombie is not alive', async () => {
    // `exec` replaces the shell, so nobody waits for the child that the shell had started; it ends only after that.
    const script = '(read -r _ <&3) & echo $!; exec sleep 60 3<&-'
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
    const [line] = await once(parent.stdout as Readable, 'data')
    const pid = Number(String(line))
    await eventually('it is a sleep', () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n')
    ;(parent.stdio[3] as Writable).end('\n')
    await eventually('it is a zombie', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' Z '))
    expect(processWithPid(pid)).toBeNull()
    parent.kill()
  })
})
