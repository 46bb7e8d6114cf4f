import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Session } from '../../src/batches/session.js'
import { createKeyHolder, type KeyHolder } from '../../src/completions/key-holder.js'
import { fingerprint } from '../../src/conduit/api-key.js'
import { type Admission, createAdmission } from '../../workers/admission.js'
import { silent, testSession } from '../support/batches.js'
import { eventually } from '../support/eventually.js'
import { holdRequest, personHold } from '../support/gates.js'

let session: Session
let directory: string
let keyHolder: KeyHolder
let admission: Admission
beforeEach(async () => {
  session = await testSession()
  // Something waits, or an incident would be over as soon as it is lifted.
  await session.redis.sadd(session.keys.activeBatches, 'b1')
  directory = await mkdtemp(join(tmpdir(), 'cb-key-'))
  await writeKey('sk-first')
  keyHolder = await createKeyHolder({ apiKey: null, apiKeyFile: join(directory, 'key') })
  admission = createAdmission(session, keyHolder, silent)
})
afterEach(() => rm(directory, { recursive: true }))

const writeKey = (key: string) => writeFile(join(directory, 'key'), `${key}\n`)
const isPaused = () => session.completions.isPaused()
const refusedKey = (key: string, epoch = 0) =>
  holdRequest({ reason: 'credentials', code: 'API_KEY_INVALID', keyFingerprint: fingerprint(key), epoch })

describe("BullMQ's pause", () => {
  it('follows the gate: held is paused, open is not', async () => {
    await admission.mirrorGate()
    expect(await isPaused()).toBe(false)
    await session.gate.hold(holdRequest())
    await admission.mirrorGate()
    expect(await isPaused()).toBe(true)
    await session.gate.lift('credits', 'person')
    await admission.mirrorGate()
    expect(await isPaused()).toBe(false)
  })

  it('stays while one hold of several is left', async () => {
    await session.gate.hold(holdRequest())
    await session.gate.hold(personHold())
    await session.gate.lift('credits', 'person')
    await admission.mirrorGate()
    expect(await isPaused()).toBe(true)
  })

  it('heals when a crash left it behind, either way', async () => {
    await session.completions.pause()
    await admission.mirrorGate()
    expect(await isPaused()).toBe(false)
    await session.gate.hold(personHold())
    await admission.mirrorGate()
    await session.completions.resume()
    await admission.mirrorGate()
    expect(await isPaused()).toBe(true)
  })

  it('goes when a hold lifts that time ends', async () => {
    await session.gate.hold(holdRequest({ reason: 'spending_limit' }))
    await admission.mirrorGate()
    expect(await isPaused()).toBe(true)
    const hold = JSON.parse((await session.redis.hget(session.keys.gate, 'hold:spending_limit')) ?? '')
    await session.redis.hset(session.keys.gate, 'hold:spending_limit', JSON.stringify({ ...hold, until: 1 }))
    await admission.mirrorGate()
    expect(await isPaused()).toBe(false)
  })
})

describe('without auto-resume', () => {
  it('no hold lifts: neither what time ends, nor a refused key when another is found', async () => {
    const people = createAdmission(session, keyHolder, silent, { autoResume: false })
    await session.gate.hold(holdRequest({ reason: 'spending_limit' }))
    await session.gate.hold(refusedKey('sk-first'))
    const hold = JSON.parse((await session.redis.hget(session.keys.gate, 'hold:spending_limit')) ?? '')
    await session.redis.hset(session.keys.gate, 'hold:spending_limit', JSON.stringify({ ...hold, until: 1 }))
    await writeKey('sk-second')
    for (let look = 0; look < 3; look++) await people.mirrorGate()
    expect((await session.gate.read()).holds).toHaveLength(2)
    expect(await isPaused()).toBe(true)
    await admission.mirrorGate()
    expect((await session.gate.read()).holds).toEqual([])
  })
})

describe('a refused key', () => {
  it('holds the gate as long as it is the one in use', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    for (let look = 0; look < 3; look++) await admission.mirrorGate()
    expect(await isPaused()).toBe(true)
    expect((await session.gate.read()).epoch).toBe(0)
  })

  it('lifts its hold when another one is found in the file', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    await admission.mirrorGate()
    await writeKey('sk-second')
    await admission.mirrorGate()
    expect(await isPaused()).toBe(false)
    expect(keyHolder.current().secret).toBe('sk-second')
    expect(await session.gate.read()).toMatchObject({
      holds: [],
      probing: true,
      incident: { liftedBy: 'new_key' },
    })
  })

  it('stays refused: two processes with two bad keys do not open the gate for each other in turns', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    await session.gate.hold(refusedKey('sk-second'))
    await writeKey('sk-second')
    for (let look = 0; look < 3; look++) await admission.mirrorGate()
    expect((await session.gate.read()).epoch).toBe(0)
    expect(await isPaused()).toBe(true)
  })

  it('may be tried again once a person has resumed', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    await session.gate.lift('*', 'person')
    expect((await session.gate.read()).refusedKeys).toEqual([])
    await session.gate.hold(refusedKey('sk-second', 1))
    await admission.mirrorGate()
    expect((await session.gate.read()).incident).toMatchObject({ liftedBy: 'new_key' })
  })

  it('lifts no other hold', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    await session.gate.hold(holdRequest())
    await writeKey('sk-second')
    await admission.mirrorGate()
    expect((await session.gate.read()).holds.map(({ reason }) => reason)).toEqual(['credits'])
    expect(await isPaused()).toBe(true)
  })

  it('keeps its hold while the file is being written: no key, or one that can not be sent', async () => {
    await session.gate.hold(refusedKey('sk-first'))
    for (const half of ['', 'two words']) {
      await writeKey(half)
      await admission.mirrorGate()
      expect((await session.gate.read()).holds).toHaveLength(1)
    }
    await rm(join(directory, 'key'))
    await admission.mirrorGate()
    expect((await session.gate.read()).holds).toHaveLength(1)
    expect(keyHolder.current().secret).toBe('sk-first')
  })
})

it('reads the key again at every opening of the gate, whatever it was held for', async () => {
  await admission.mirrorGate()
  await session.gate.hold(holdRequest())
  await admission.mirrorGate()
  await writeKey('sk-second')
  await admission.mirrorGate()
  expect(keyHolder.current().secret).toBe('sk-first')
  await session.gate.lift('credits', 'person')
  await admission.mirrorGate()
  expect(keyHolder.current().secret).toBe('sk-second')
})

describe('a ceiling of the pace', () => {
  it('bounds it at once, also where it was faster before', async () => {
    expect((await admission.permits.refresh()).ratePerSecond).toBeGreaterThan(1.5)
    const bounded = createAdmission(session, keyHolder, silent, { requestsPerMinute: 90 })
    expect((await bounded.permits.refresh()).ratePerSecond).toBe(1.5)
  })

  it('bounds it when a refusal would leave more', async () => {
    const ceilingPerSecond = 0.1
    const bounded = createAdmission(session, keyHolder, silent, { requestsPerMinute: ceilingPerSecond * 60 })
    const admitted = await bounded.permits.acquire()
    if (admitted.kind !== 'go') throw new Error(`not admitted: ${admitted.kind}`)
    admitted.permit.report({ kind: 'refused', retryAfterMs: null })
    // Once the closing is over there is a new epoch.
    await eventually('it is open again', async () => (await bounded.permits.refresh()).paceEpoch === 1)
    expect(await bounded.permits.refresh()).toMatchObject({ pace: 'open', ratePerSecond: ceilingPerSecond })
  })
})
