import { beforeEach, describe, expect, it } from 'vitest'
import { createWaitingBatches, type WaitingBatches } from '../../src/completions/waiting-batches.js'

let nowMs: number
let waiting: WaitingBatches
beforeEach(() => {
  nowMs = 1_000_000
  waiting = createWaitingBatches(
    () => nowMs,
    () => 0.5,
  )
})

describe('a batch that was told to wait', () => {
  it('has its requests put off without a permit, and others go', () => {
    expect(waiting.putOffMs('a')).toBeNull()
    expect(waiting.wait('a')).toBe(1000)
    nowMs += 999
    expect(waiting.putOffMs('a')).toBe(1000)
    expect(waiting.putOffMs('b')).toBeNull()
  })

  it('has one request a second that asks, whether that comes to ask or not', () => {
    waiting.wait('a')
    let asked = 0
    for (let ms = 0; ms < 10_000; ms += 10, nowMs += 10) if (waiting.putOffMs('a') === null) asked++
    expect(asked).toBe(9)
  })

  it('is put off for longer each time, up to 15 s; all that hear it at once are one time', () => {
    const delays = [waiting.wait('a'), waiting.wait('a')]
    for (let time = 0; time < 5; time++) {
      nowMs += 1000
      expect(waiting.putOffMs('a')).toBeNull()
      delays.push(waiting.wait('a'), waiting.wait('a'))
    }
    expect(delays).toEqual([1, 1, 2, 2, 4, 4, 8, 8, 15, 15, 15, 15].map((seconds) => seconds * 1000))
  })

  it('goes on with the first of its requests that may', () => {
    waiting.wait('a')
    nowMs += 1000
    waiting.putOffMs('a')
    waiting.wait('a')
    waiting.clear('a')
    expect([waiting.putOffMs('a'), waiting.putOffMs('a')]).toEqual([null, null])
    expect(waiting.wait('a')).toBe(1000)
  })

  it('begins anew when nothing was heard of it for a minute', () => {
    waiting.wait('a')
    nowMs += 61_000
    expect([waiting.putOffMs('a'), waiting.putOffMs('a')]).toEqual([null, null])
    expect(waiting.wait('a')).toBe(1000)
  })
})
